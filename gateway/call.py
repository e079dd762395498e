"""Call, Message and blocks: what is asked, in canonical form.

Canonical types know no dialect. A member that only one dialect has rides in `extra`, by name with its raw JSON, and
`Call.dialect` says whose names these are: it is written again only to that dialect, and is loss to every other.
"""

from __future__ import annotations

from typing import Literal

import msgspec
from msgspec import Raw

Extra = dict[str, Raw]
Role = Literal["system", "developer", "user", "assistant", "tool"]


class Opaque(msgspec.Struct, frozen=True, omit_defaults=True, tag="opaque"):
    """State that only its maker reads (signatures, encrypted reasoning, hosted-tool items).

    domain: whose it is, `Target.state_domain`; "" means the client's word for it, to be trusted nowhere else.
    dialect, form: how it was written (`open-responses`, `reasoning`). payload: raw JSON.
    """

    dialect: str
    form: str
    payload: Raw
    domain: str = ""


class Text(msgspec.Struct, omit_defaults=True, tag="text"):
    """proof: what the upstream wants back with it, where it signs text."""

    text: str = ""
    extra: Extra = {}
    proof: Opaque | None = None


class Refusal(msgspec.Struct, omit_defaults=True, tag="refusal"):
    text: str = ""


class Image(msgspec.Struct, omit_defaults=True, tag="image"):
    """One of `url` (http, https), `data` (base64, with `media_type`) or `file_id`. detail: low, high, auto, …"""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    detail: str | None = None
    extra: Extra = {}


class File(msgspec.Struct, omit_defaults=True, tag="file"):
    """A document: one of `url`, `data` (base64) or `file_id`."""

    url: str | None = None
    data: str | None = None
    media_type: str | None = None
    file_id: str | None = None
    filename: str | None = None
    extra: Extra = {}


class Audio(msgspec.Struct, omit_defaults=True, tag="audio"):
    """Base64 `data` of `format` (wav, mp3, …), or the `id` of audio that the upstream made before."""

    data: str | None = None
    format: str | None = None
    id: str | None = None
    extra: Extra = {}


class Reasoning(msgspec.Struct, omit_defaults=True, tag="reasoning"):
    """Thoughts. summary: a summary of them instead of the thoughts. id: its maker's name for the item.

    proof: what the upstream wants back to believe them.
    """

    text: str = ""
    summary: bool = False
    id: str | None = None
    proof: Opaque | None = None
    extra: Extra = {}


class ToolCall(msgspec.Struct, omit_defaults=True, tag="tool_call"):
    """arguments: the JSON text as the model wrote it, possibly not valid; free text for a `custom` tool.

    item_id: its maker's name for the item, beside the call's own; no loss where a dialect has no such names.
    proof: what the upstream wants back with it, where it signs calls. executor: who runs it; a result of one that is
    not the client's stands in the same reply, where it is told. server: of those, the label of the server that has the
    tool; its `name` is the tool's name there. approval: of the gateway's, `asked` where it is not made before a person
    has said so (see `Call.approvals`), `answered` where one has.
    """

    id: str
    name: str
    arguments: str = ""
    kind: Literal["function", "custom"] = "function"
    executor: Literal["client", "gateway", "upstream"] = "client"
    extra: Extra = {}
    item_id: str | None = None
    proof: Opaque | None = None
    server: str = ""
    approval: Literal["", "asked", "answered"] = ""


class ToolResult(msgspec.Struct, omit_defaults=True, tag="tool_result"):
    call_id: str
    blocks: list[Text | Image | File | Audio | Opaque] = []
    is_error: bool = False
    kind: Literal["function", "custom"] = "function"
    extra: Extra = {}


Block = Text | Refusal | Image | File | Audio | Reasoning | ToolCall | ToolResult | Opaque


class Message(msgspec.Struct, omit_defaults=True):
    """name: the author's, where a dialect has it. phase: `commentary` or `final_answer`, where it has that.

    item_id: its maker's name for it; no loss where a dialect has no such names.
    """

    role: Role
    blocks: list[Block] = []
    name: str | None = None
    phase: str | None = None
    extra: Extra = {}
    item_id: str | None = None


class Grammar(msgspec.Struct):
    """syntax: of the definition, as `lark` or `regex`."""

    syntax: str
    definition: str


class ToolFilter(msgspec.Struct, frozen=True, omit_defaults=True):
    """Some of a server's tools: those of these names, those that are `read_only` or are not; None for either."""

    names: tuple[str, ...] | None = None
    read_only: bool | None = None

    def fits(self, name: str, read_only: bool) -> bool:
        named = self.names is None or name in self.names
        return named and (self.read_only is None or self.read_only == read_only)


class ServerTools(msgspec.Struct, frozen=True, omit_defaults=True):
    """Tools of a server that the call names by its label alone; the gateway may have one of that label.

    only: those that the client wants; None for all. always, never: those for whose calls a person is to be asked, or
    not; what neither says is asked for where there is a `never`.
    """

    label: str
    only: ToolFilter | None = None
    always: ToolFilter | None = None
    never: ToolFilter | None = None

    def asks(self, name: str, read_only: bool) -> bool:
        if self.always is not None and self.always.fits(name, read_only):
            return True
        return self.never is not None and not self.never.fits(name, read_only)


class Tool(msgspec.Struct, omit_defaults=True):
    """A tool that the client declares. parameters: its JSON Schema. `hosted` ones are the upstream's: raw, in `extra`.

    strict: None means that the client did not say; dialects differ in what they take that for. grammar: what the free
    text for a `custom` one must follow. server: of a hosted one, where it stands for tools of a server of that label.
    """

    name: str
    description: str | None = None
    parameters: Raw | None = None
    strict: bool | None = None
    kind: Literal["function", "custom", "hosted"] = "function"
    extra: Extra = {}
    grammar: Grammar | None = None
    server: ServerTools | None = None


class ToolChoice(msgspec.Struct, omit_defaults=True):
    """names: the one tool of `tool`, or those of `allowed`. required: whether `allowed` must call one."""

    mode: Literal["auto", "none", "required", "tool", "allowed"] = "auto"
    names: tuple[str, ...] = ()
    required: bool = False
    kind: Literal["function", "custom"] = "function"


class Sampling(msgspec.Struct, omit_defaults=True):
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: Raw | None = None
    choices: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Limits(msgspec.Struct, omit_defaults=True):
    """max_output: tokens. max_tool_calls: of tools that the upstream runs. truncation: auto or disabled."""

    max_output: int | None = None
    max_tool_calls: int | None = None
    truncation: str | None = None


class OutputFormat(msgspec.Struct, omit_defaults=True):
    """text, any JSON object, or JSON after `schema`."""

    kind: Literal["text", "json", "schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema: Raw | None = None
    strict: bool | None = None


class ReasoningOptions(msgspec.Struct, omit_defaults=True):
    """effort: none, minimal, low, medium, high, xhigh, max. summary: auto, concise, detailed; none to see no thoughts.

    budget: tokens; 0 is not to think, -1 leaves it to the model. proof: the client wants what thoughts need to be sent
    back; no loss where it comes unasked.
    """

    effort: str | None = None
    summary: str | None = None
    budget: int | None = None
    proof: bool | None = None


class State(msgspec.Struct, omit_defaults=True):
    previous_response_id: str | None = None
    conversation: str | None = None
    store: bool | None = None
    background: bool | None = None


class ApprovalResponse(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a person says to a call that was `asked`. call_id: its id. reason: for the model."""

    call_id: str
    approve: bool
    reason: str = ""


class Call(msgspec.Struct, omit_defaults=True):
    """One question to a model.

    model: as the client wrote it. system: text outside the messages; system and developer messages stay in
    `messages` where they stood. stream_usage: whether a streaming client asked to be told its usage. asks: whether the
    client can be asked to approve of calls. approvals: what it said to those, since the model spoke last.
    """

    model: str
    messages: list[Message] = []
    system: list[Text] = []
    tools: list[Tool] = []
    tool_choice: ToolChoice | None = None
    parallel_tool_calls: bool | None = None
    sampling: Sampling = msgspec.field(default_factory=Sampling)
    limits: Limits = msgspec.field(default_factory=Limits)
    output_format: OutputFormat | None = None
    reasoning: ReasoningOptions = msgspec.field(default_factory=ReasoningOptions)
    verbosity: str | None = None
    stream: bool = False
    stream_usage: bool = False
    state: State = msgspec.field(default_factory=State)
    metadata: dict[str, str] = {}
    user: str | None = None
    safety_identifier: str | None = None
    prompt_cache_key: str | None = None
    service_tier: str | None = None
    asks: bool = False
    approvals: list[ApprovalResponse] = []
    dialect: str = ""
    extra: Extra = {}
