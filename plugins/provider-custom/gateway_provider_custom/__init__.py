"""endpoints.custom: any OpenAI-compatible URL."""
