"""OpenAI chat completions, spoken by clients and to upstreams."""
