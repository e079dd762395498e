"""OpenAI, from LibreChat's environment variables and endpoints.openAI."""
