"""Open Responses, spoken by clients and to upstreams."""
