"""Recorded exchanges of upstreams, where a corpus of them is at hand: calls, replies as bytes, random splits.

A corpus is a folder with `index.jsonl` (a line each: `file`, `api`, `method`) and a JSON file for each exchange. It is
`corpus` in the folder that GATEWAY_SHARED names, else in a folder `shared` beside the checkout or above that. Where it
is absent, tests skip and say so:

    FOUND = recordings.load("some.api")

    @recordings.each(FOUND)
    def test_the_reply_is_read_the_same_in_any_split(recorded: Recording) -> None:
        for pieces in recorded.splits():
            ...

    def test_all_of_them_together() -> None:
        for recorded in recordings.needed(FOUND):
            ...

A record: `id, provider, api, model, request {host, path, query, body}, response {status, headers, body_kind, body}`.
"""

from __future__ import annotations

import base64
import json
import os
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

if TYPE_CHECKING:
    import pytest

SHARED = "GATEWAY_SHARED"
STREAMED = frozenset(("sse", "ndjson"))
FRAMED = frozenset(("base64", "aws-eventstream"))
"""Kinds of bodies that stand in a record as base64, since they are no text."""
CUTS = (5, 12, 12, 400)

Json = dict[str, Any]


class Recording(msgspec.Struct, frozen=True):
    """One exchange. Derive from it to add what the tests of an API ask of one, and hand that to `load`.

    name: `api/provider/id`. body: the reply's bytes. stream: it came as a stream, or as a whole JSON array of what one
    would say. request: the client's JSON, None where only the reply was recorded.
    """

    name: str
    id: str
    provider: str
    api: str
    model: str
    status: int
    kind: str
    stream: bool
    headers: dict[str, str]
    body: bytes
    request: Json | None
    host: str
    path: str
    query: dict[str, str]

    def pieces(self, seed: int, cuts: int = 40) -> list[bytes]:
        """The body, cut at so many random places; the same ones for the same seed."""
        drawn = random.Random(f"{self.id}-{seed}")
        places = sorted({0, len(self.body), *(drawn.randrange(len(self.body) + 1) for _ in range(cuts))})
        return [self.body[start:end] for start, end in pairwise(places)]

    def splits(self) -> Iterator[list[bytes]]:
        """The body by single bytes, and at few and at many random places."""
        yield [self.body[at : at + 1] for at in range(len(self.body))]
        for seed, cuts in enumerate(CUTS):
            yield self.pieces(seed, cuts)


R = TypeVar("R", bound=Recording)
Test = TypeVar("Test", bound=Callable[..., object])


def shared() -> Path | None:
    """The folder that holds `corpus`, or None where there is none."""
    named = os.environ.get(SHARED)
    folders = [folder / "shared" for start in (Path.cwd(), Path(__file__)) for folder in (start, *start.parents)]
    for folder in [Path(named)] if named else folders:
        if (folder / "corpus" / "index.jsonl").is_file():
            return folder
    return None


def find() -> Path | None:
    """The corpus, or None where there is none."""
    folder = shared()
    return folder / "corpus" if folder else None


@overload
def load(*apis: str, corpus: Path | None = None) -> list[Recording]: ...
@overload
def load(*apis: str, corpus: Path | None = None, of: type[R]) -> list[R]: ...
def load(*apis: str, corpus: Path | None = None, of: type[Any] = Recording) -> list[Any]:
    """All calls that were recorded of these APIs, in the index's order; none where there is no corpus."""
    corpus = corpus or find()
    if corpus is None:
        return []
    rows = map(json.loads, (corpus / "index.jsonl").read_text("utf-8").splitlines())
    files = [row["file"] for row in rows if row["api"] in apis and row["method"] == "POST"]
    return [_read(json.loads((corpus / file).read_bytes()), file.removesuffix(".json"), of) for file in files]


def needed(found: Sequence[R]) -> Sequence[R]:
    """The same. Skips the test where there are none."""
    if not found:
        import pytest

        pytest.skip(_absent())
    return found


class Batch(tuple[Recording, ...]):
    """A test that asks for one is called with each of them in turn (`testing.pytest_plugin`): of thousands of
    recordings a test each would cost more than what it tests.
    """


def each(found: Iterable[Recording], argument: str = "recorded") -> pytest.MarkDecorator:
    """Calls a test with each of them, or skips it. It is one test for those of an API and a provider, which names
    those that fail, and all of them.
    """
    import pytest

    return pytest.mark.parametrize(argument, parameters(found))


def parameters(found: Iterable[Recording]) -> list[Any]:
    """The same for `metafunc.parametrize` in a conftest.py."""
    import pytest

    batches: dict[str, list[Recording]] = {}
    for one in found:
        batches.setdefault(one.name.rpartition("/")[0], []).append(one)
    named = [pytest.param(Batch(batch), id=name) for name, batch in batches.items()]
    return named or [pytest.param(None, marks=pytest.mark.skip(reason=_absent()), id="none")]


def call_each(test: Callable[..., object], given: Mapping[str, Any]) -> None:
    """given: the test's arguments, of which one may be a Batch. Raises what it raised with one of them, or all that it
    raised with several; skips where it did so with all.
    """
    import pytest

    [(argument, batch)] = [(name, value) for name, value in given.items() if isinstance(value, Batch)]
    wrong: list[Exception] = []
    skipped: list[str] = []
    for one in batch:
        try:
            test(**{**given, argument: one})
        except Exception as error:
            error.add_note(f"with the recording {one.name}")
            wrong.append(error)
        except pytest.skip.Exception as why:
            skipped.append(str(why))
    if len(wrong) == 1:
        raise wrong[0]
    if wrong:
        raise ExceptionGroup(f"with {len(wrong)} of {len(batch)} recordings", wrong)
    if len(skipped) == len(batch):
        pytest.skip(skipped[0])


def _absent() -> str:
    return f"there are no such recordings here ({SHARED}, or ../shared beside the checkout)"


def _read(record: Json, name: str, of: type[R]) -> R:
    response, request = record["response"], record.get("request") or {}
    body, asked = response["body"], request.get("body")
    headers = response.get("headers") or {}
    return of(
        name,
        record["id"],
        record["provider"],
        record["api"],
        record.get("model") or "",
        response["status"],
        response["body_kind"],
        response["body_kind"] in STREAMED | FRAMED or isinstance(body, list),
        {key.lower(): value for key, value in headers.items() if isinstance(value, str)},
        _bytes(response["body_kind"], body),
        asked if isinstance(asked, dict) else None,
        request.get("host") or "",
        request.get("path") or "",
        request.get("query") or {},
    )


def _bytes(kind: str, body: Any) -> bytes:
    if kind in FRAMED:
        return base64.b64decode(body)
    text = json.dumps(body, ensure_ascii=False) if kind == "json" and not isinstance(body, str) else body or ""
    return text.encode("utf-8", "surrogatepass")
