"""LibreChat's database, as `mongoexport` writes it."""
