"""Keys of `interface` and `endpoints.agents` that LibreChat's client is told."""

from __future__ import annotations

from msgspec import Struct

CAPABILITIES = (
    "deferred_tools",
    "execute_code",
    "file_search",
    "web_search",
    "artifacts",
    "subagents",
    "actions",
    "context",
    "skills",
    "memory",
    "ask_user_question",
    "tools",
    "chain",
    "ocr",
)
"""LibreChat's own default. Source: `packages/data-provider/src/config.ts`, `defaultAgentCapabilities`."""


class Policy(Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A link."""

    external_url: str = ""
    open_new_tab: bool = False


class Terms(Policy, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A link, and what must be accepted."""

    modal_acceptance: bool = False
    modal_title: str = ""
    modal_content: str | tuple[str, ...] = ""


class InterfaceFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """Switches and words of LibreChat's web client, told to it by /api/config and without effect on anything else."""

    privacy_policy: Policy | None = None
    terms_of_service: Terms | None = None
    custom_welcome: str = ""
    model_select: bool = True
    parameters: bool = True
    presets: bool = True
    multi_convo: bool = True
    bookmarks: bool = True
    memories: bool = True
    temporary_chat: bool = True
    auto_submit_from_url: bool = True
    run_code: bool = True
    web_search: bool = True
    context_usage: bool = True
    context_cost: bool = False
    feedback: bool = True
    file_search: bool = True
    file_citations: bool = True
    build_info: bool = True


class AgentsFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """What LibreChat's client is told of agents by /api/endpoints; without effect on anything else."""

    disable_builder: bool = False
    allowed_providers: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = CAPABILITIES
    max_subagents: int = 10
