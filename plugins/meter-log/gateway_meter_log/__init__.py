"""One log line per exchange."""
