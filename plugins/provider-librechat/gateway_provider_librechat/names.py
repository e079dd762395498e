"""What this plugin and LibreChat call things."""

from __future__ import annotations

NAME = "librechat-agents"
"""Of the dialect."""
PATH = "gateway.provider-librechat"
API = "/api/agents/v1"
CHAT, RESPONSES, MODELS = "/chat/completions", "/responses", "/models"
OWNER = "librechat"
EXTRAS = ("conversation_id", "parent_message_id", "ephemeralAgent", "manualSkills", "timezone", "isTemporary")
"""Members of a call that are LibreChat's own; `packages/api/src/agents/openai/types.ts`."""
