"""Log probabilities of tokens, both ways. Source: Gemini API, `LogprobsResult`.

The canonical form is a JSON array of `{token, logprob, bytes, top_logprobs}`.
"""

from __future__ import annotations

import msgspec
from msgspec import Raw, Struct

from gateway.wire import jsontext
from gateway.wire.jsontext import Members


class Token(Struct, rename="camel"):
    token: str = ""
    log_probability: float = 0.0


class Top(Struct):
    candidates: list[Token] = []


class Result(Struct, rename="camel"):
    chosen_candidates: list[Token] = []
    top_candidates: list[Top] = []


class Canonical(Struct):
    token: str
    logprob: float = 0.0
    top_logprobs: list[Canonical] = []


_RESULT = msgspec.json.Decoder(Result)
_CANONICAL = msgspec.json.Decoder(list[Canonical])


def read(value: Raw) -> Raw | None:
    """None where there is none, or it is of another form."""
    try:
        found = _RESULT.decode(value)
    except jsontext.UNREADABLE:
        return None
    tops = found.top_candidates
    tokens = [
        {**_token(token), "top_logprobs": [_token(top) for top in tops[at].candidates] if at < len(tops) else []}
        for at, token in enumerate(found.chosen_candidates)
    ]
    return jsontext.raw(tokens) if tokens else None


def tokens(value: Raw) -> list[Canonical] | None:
    """What `write` takes; None for tokens in another form."""
    try:
        return _CANONICAL.decode(value)
    except jsontext.UNREADABLE:
        return None


def write(found: list[Canonical]) -> Members:
    out: Members = {"chosenCandidates": [_written(token) for token in found]}
    if any(token.top_logprobs for token in found):
        out["topCandidates"] = [{"candidates": [_written(top) for top in token.top_logprobs]} for token in found]
    return out


def average(found: list[Canonical]) -> float:
    return sum(token.logprob for token in found) / len(found)


def _token(token: Token) -> Members:
    return {"token": token.token, "logprob": token.log_probability, "bytes": list(token.token.encode())}


def _written(token: Canonical) -> Members:
    return {"token": token.token, "logProbability": token.logprob}
