"""`interface`: the keys. What the file leaves out stays unset, so that only what it says is told as said."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


class Policy(Struct, frozen=True, kw_only=True, rename="camel"):
    """A link."""

    external_url: str | UnsetType = UNSET
    open_new_tab: bool | UnsetType = UNSET


class Terms(Policy, frozen=True, kw_only=True, rename="camel"):
    """A link, and what must be accepted."""

    modal_acceptance: bool | UnsetType = UNSET
    modal_title: str | UnsetType = UNSET
    modal_content: str | tuple[str, ...] | UnsetType = UNSET


class Sharing(Struct, frozen=True, kw_only=True, rename="camel"):
    """Who may use, make and share a kind of thing in LibreChat."""

    use: bool | UnsetType = UNSET
    create: bool | UnsetType = UNSET
    share: bool | UnsetType = UNSET
    public: bool | UnsetType = UNSET


class Skills(Sharing, frozen=True, kw_only=True, rename="camel"):
    """The same for skills."""

    default_active_on_share: bool | UnsetType = UNSET


class SharedLinks(Struct, frozen=True, kw_only=True, rename="camel"):
    """Links to conversations."""

    create: bool | UnsetType = UNSET
    share: bool | UnsetType = UNSET
    public: bool | UnsetType = UNSET
    snapshot_files: bool | UnsetType = UNSET


class TrustCheckbox(Struct, frozen=True, kw_only=True, rename="camel"):
    """What a user confirms before a server is added; a text, or one for each language."""

    label: str | dict[str, str] | UnsetType = UNSET
    sub_label: str | dict[str, str] | UnsetType = UNSET


class McpMenu(Sharing, frozen=True, kw_only=True, rename="camel"):
    """The menu of MCP servers."""

    placeholder: str | UnsetType = UNSET
    tools_refresh_interval: int | UnsetType = UNSET
    status_refresh_interval: int | UnsetType = UNSET
    configure_obo: bool | UnsetType = UNSET
    trust_checkbox: TrustCheckbox | UnsetType = UNSET


class PeoplePicker(Struct, frozen=True, kw_only=True):
    """Whom a user finds when sharing."""

    users: bool | UnsetType = UNSET
    groups: bool | UnsetType = UNSET
    roles: bool | UnsetType = UNSET


class Marketplace(Struct, frozen=True, kw_only=True):
    """The marketplace of agents."""

    use: bool | UnsetType = UNSET


class Currency(Struct, frozen=True, kw_only=True):
    """What costs are shown in. rate: for one US dollar."""

    code: str
    rate: float


class TraceViewer(Struct, frozen=True, kw_only=True, rename="camel"):
    """The viewer of traces."""

    enabled: bool | UnsetType = UNSET
    show_input_output: bool | UnsetType = UNSET
    show_tool_names: bool | UnsetType = UNSET
    max_records: int | UnsetType = UNSET
    max_content_length: int | UnsetType = UNSET
    requests_per_minute: int | UnsetType = UNSET
    request_timeout_ms: int | UnsetType = UNSET


class Schedules(Struct, frozen=True, kw_only=True, rename="camel"):
    """Scheduled chats."""

    use: bool | UnsetType = UNSET
    create: bool | UnsetType = UNSET
    max_per_user: int | UnsetType = UNSET
    min_interval_minutes: int | UnsetType = UNSET
    auto_disable_after_failures: int | UnsetType = UNSET
    admission_concurrency: int | UnsetType = UNSET
    fire_concurrency: int | UnsetType = UNSET
    mcp_preflight_concurrency: int | UnsetType = UNSET
    mcp_preflight_timeout_ms: int | UnsetType = UNSET
    require_project: bool | UnsetType = UNSET
    project_id: str | UnsetType = UNSET


class InterfaceFields(Struct, frozen=True, kw_only=True, rename="camel"):
    """Switches and words of LibreChat's web client, told to it by /api/config; `remoteAgents` alone has an effect here.

    temporary_chat_retention, general_chat_retention: hours.
    """

    privacy_policy: Policy | UnsetType = UNSET
    terms_of_service: Terms | UnsetType = UNSET
    custom_welcome: str | UnsetType = UNSET
    model_select: bool | UnsetType = UNSET
    code_highlight_throttle_ms: int | UnsetType = UNSET
    parameters: bool | UnsetType = UNSET
    presets: bool | UnsetType = UNSET
    multi_convo: bool | UnsetType = UNSET
    bookmarks: bool | UnsetType = UNSET
    memories: bool | UnsetType = UNSET
    prompts: bool | Sharing | UnsetType = UNSET
    agents: bool | Sharing | UnsetType = UNSET
    temporary_chat: bool | UnsetType = UNSET
    temporary_chat_retention: float | UnsetType = UNSET
    general_chat_retention: float | UnsetType = UNSET
    auto_submit_from_url: bool | UnsetType = UNSET
    retention_mode: str | UnsetType = UNSET
    retain_agent_files: bool | UnsetType = UNSET
    run_code: bool | UnsetType = UNSET
    web_search: bool | UnsetType = UNSET
    context_usage: bool | UnsetType = UNSET
    context_cost: bool | UnsetType = UNSET
    feedback: bool | UnsetType = UNSET
    currency: Currency | UnsetType = UNSET
    people_picker: PeoplePicker | UnsetType = UNSET
    marketplace: Marketplace | UnsetType = UNSET
    mcp_servers: McpMenu | UnsetType = UNSET
    file_search: bool | UnsetType = UNSET
    file_citations: bool | UnsetType = UNSET
    trace_viewer: TraceViewer | UnsetType = UNSET
    default_pinned_tools: tuple[str, ...] | UnsetType = UNSET
    build_info: bool | UnsetType = UNSET
    remote_agents: Sharing | UnsetType = UNSET
    skills: bool | Skills | UnsetType = UNSET
    shared_links: bool | SharedLinks | UnsetType = UNSET
    schedules: bool | Schedules | UnsetType = UNSET
