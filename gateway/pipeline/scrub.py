"""What upstreams say of a failure may quote what we sent them: our credentials, an agent's instructions.

Only failures are searched: what a model says is the client's, byte for byte.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from .exchange import Exchange

SHORTEST = 8
"""Characters of a header's value that may be a credential."""
SHORTEST_LINE = 16
"""Characters of a line of instructions that is searched for by itself."""


def scrubbed(said: bytes, exchange: Exchange) -> bytes:
    """`***` for each credential sent with any attempt, and for the agent's instructions, whole or by lines; also for
    those of what was asked on its behalf.
    """
    for text in dict.fromkeys((*exchange.secrets, *secrets_of(exchange))):
        for form in _forms(text):
            said = said.replace(form, b"***")
    return said


def secrets_of(exchange: Exchange) -> list[str]:
    """What its upstreams were sent and nobody may read, in the order in which it is searched for."""
    credentials = [value for attempt in exchange.attempts for value in attempt.credentials.values()]
    instructions = exchange.route.edit.instructions if exchange.route else None
    return list(_hidden(dict.fromkeys(credentials), instructions or ""))


def _hidden(values: Iterable[str], instructions: str) -> Iterator[str]:
    """Longest first, so that no part is left of what another has cut into."""
    for value in values:
        if len(value) >= SHORTEST:
            yield value
            if len(last := value.rpartition(" ")[2]) >= SHORTEST:
                yield last
    if whole := instructions.strip():
        yield whole
        lines = (line.strip() for line in whole.splitlines())
        yield from sorted((line for line in lines if len(line) >= SHORTEST_LINE), key=len, reverse=True)


def _forms(text: str) -> Iterator[bytes]:
    """As it stands, in JSON, and in JSON that is quoted in JSON."""
    once = _quoted(text)
    forms = (text, *once, *(form for one in once for form in _quoted(one)))
    yield from (form.encode("utf-8", "surrogateescape") for form in dict.fromkeys(forms))


def _quoted(text: str) -> tuple[str, str]:
    return json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
