"""Agents: named presets of a model and instructions."""
