"""Users, keys and usage on SQLite."""
