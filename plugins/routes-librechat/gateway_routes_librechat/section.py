"""Keys of LibreChat's that its client is told of, besides `interface` and `modelSpecs`."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType, field

BUILT_IN = ("openAI", "agents", "assistants", "azureAssistants", "azureOpenAI", "google", "anthropic", "bedrock")
"""LibreChat's own endpoints, in its order where `ENDPOINTS` gives none."""
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
ASSISTANTS_CAPABILITIES = ("code_interpreter", "image_vision", "retrieval", "actions", "tools")
RETRIEVAL_MODELS = (
    "gpt-4o",
    "o1-preview-2024-09-12",
    "o1-preview",
    "o1-mini-2024-09-12",
    "o1-mini",
    "o3-mini",
    "chatgpt-4o-latest",
    "gpt-4o-2024-05-13",
    "gpt-4o-2024-08-06",
    "gpt-4o-mini",
    "gpt-4o-mini-2024-07-18",
    "gpt-4-turbo-preview",
    "gpt-3.5-turbo-0125",
    "gpt-4-0125-preview",
    "gpt-4-1106-preview",
    "gpt-3.5-turbo-1106",
    "gpt-3.5-turbo-0125",
    "gpt-4-turbo",
    "gpt-4-0125",
    "gpt-4-1106",
)
"""LibreChat's own defaults. Source: `packages/data-provider/src/config.ts`, `assistantEndpointSchema`."""


class AgentsFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """What LibreChat's client is told of agents by /api/endpoints; without effect on anything else."""

    disable_builder: bool = False
    allowed_providers: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = CAPABILITIES
    max_subagents: int = 10
    title_timing: str = ""


class AssistantsFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """What LibreChat's client is told of assistants by /api/endpoints; without effect on anything else."""

    disable_builder: bool | UnsetType = UNSET
    retrieval_models: tuple[str, ...] = RETRIEVAL_MODELS
    capabilities: tuple[str, ...] = ASSISTANTS_CAPABILITIES
    version: str | int | UnsetType = UNSET


class AzureFields(Struct, frozen=True):
    """assistants: whether there are Azure's, too."""

    assistants: bool = False


class EndpointsFields(Struct, frozen=True, rename="camel"):
    """What of `endpoints` is told to LibreChat's client, beside each endpoint's own."""

    assistants: AssistantsFields | None = None
    azure_assistants: AssistantsFields | None = None
    azure_open_ai: AzureFields = field(name="azureOpenAI", default=AzureFields())


class MemoryAgent(Struct, frozen=True):
    """Who remembers."""

    id: str = ""
    provider: str = ""
    model: str = ""


class MemoryFields(Struct, frozen=True):
    """LibreChat's memory of users; all that is told of it is whether there is one."""

    disabled: bool = False
    agent: MemoryAgent = MemoryAgent()

    @property
    def enabled(self) -> bool:
        return not self.disabled and bool(self.agent.id or (self.agent.provider and self.agent.model))


class RegistrationFields(Struct, frozen=True, rename="camel"):
    """social_logins: whom LibreChat's login page names, in this order."""

    social_logins: tuple[str, ...] = ("google", "facebook", "openid", "github", "discord", "saml")


class TurnstileOptions(Struct, frozen=True):
    """How the puzzle looks."""

    language: str | UnsetType = UNSET
    size: str | UnsetType = UNSET


class TurnstileFields(Struct, frozen=True, rename="camel"):
    """The puzzle on LibreChat's login page."""

    site_key: str | UnsetType = UNSET
    options: TurnstileOptions | UnsetType = UNSET


class WebSearchFields(Struct, frozen=True, rename="camel"):
    """Who searches the web for LibreChat."""

    search_provider: str | UnsetType = UNSET
    scraper_provider: str | UnsetType = UNSET
    reranker_type: str | UnsetType = UNSET
