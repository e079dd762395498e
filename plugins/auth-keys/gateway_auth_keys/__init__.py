"""API keys: who may come in."""
