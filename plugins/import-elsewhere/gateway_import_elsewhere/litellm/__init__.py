"""LiteLLM's proxy: its configuration file and its database."""
