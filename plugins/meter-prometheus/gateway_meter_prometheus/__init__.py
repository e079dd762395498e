"""Prometheus metrics on /metrics."""
