"""Answers without a network: first runs, tests, benchmarks."""
