"""The dialect's name."""

NAME = "anthropic-messages"
