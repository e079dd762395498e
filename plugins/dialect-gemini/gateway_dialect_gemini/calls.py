"""A client's body to a Call. Source: Gemini API, `GenerateContentRequest`; google-genai's types."""

from __future__ import annotations

from gateway import Call, Message, Text
from gateway.wire.members import TEXT

from .configs import config
from .contents import ContentReader
from .fields import Fields, parse
from .names import COUNT, NAME
from .tools import choice, tools

WRAPPED = "generateContentRequest"
_TIERS = {"standard": "default", "unspecified": "auto"}


def decode(body: bytes, model: str, stream: bool, verb: str) -> Call:
    """Raises BadCall with the path of what is wrong. What only Gemini has rides in `extra`."""
    fields = parse(body)
    if verb == COUNT and fields.seen(WRAPPED) is not None:
        fields = fields.needed_inner(WRAPPED)
    fields.raw("model")
    if fields.seen("contents") is None:
        raise fields.wrong("contents", "is required", "missing_required_parameter")
    reader = ContentReader()
    contents = [reader.read(at, content) for at, content in enumerate(fields.each("contents"))]
    if not contents:
        raise fields.wrong("contents", "must not be empty")
    found = config(fields)
    return Call(
        model=model,
        messages=[message for messages in contents for message in messages],
        system=_system(fields),
        tools=tools(fields),
        tool_choice=choice(fields),
        sampling=found.sampling,
        limits=found.limits,
        output_format=found.output,
        reasoning=found.reasoning,
        service_tier=_tier(fields),
        stream=stream,
        stream_usage=True,
        dialect=NAME,
        extra=fields.given(),
    )


def _tier(fields: Fields) -> str | None:
    given = fields.take("serviceTier", TEXT)
    if given is None:
        return None
    word = given.lower().removeprefix("service_tier_")
    return _TIERS.get(word, word)


def _system(fields: Fields) -> list[Text]:
    """Its role says nothing; the API takes any."""
    inner = fields.inner("systemInstruction")
    if inner is None:
        return []
    inner.raw("role")
    messages: list[Message] = ContentReader().read(0, inner)
    texts = []
    for message in messages:
        for block in message.blocks:
            if not isinstance(block, Text):
                raise inner.wrong("parts", "must be text")
            texts.append(block)
    return texts
