"""A corpus of recorded exchanges as tests get it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.testing import recordings
from gateway.testing.recordings import Recording

TEXT = 'data: {"text": "grün"}\n\n' * 9


def record(id: str, kind: str, body: Any, request: Any = None, **more: Any) -> dict[str, Any]:
    response = {"status": 200, "headers": {"Content-Type": "x/y"}, "body_kind": kind, "body": body}
    return {"id": id, "provider": "p", "api": "toy", "request": request, "response": response, **more}


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(recordings.SHARED, str(tmp_path))
    asked = {"host": "h", "path": "/toy", "query": {"a": "b"}, "body": {"text": "Hi"}}
    records = [
        record("1", "json", {"text": "grün"}, asked, model="m"),
        record("2", "sse", TEXT, {"path": "/toy", "body": "a form"}),
        record("3", "aws-eventstream", base64.b64encode(b"\x00\xff").decode()),
        record("4", "json", [{"text": "a"}, {"text": "b"}]),
        record("5", "json", {}, api="other"),
        record("6", "json", {}, method="GET"),
    ]
    found = tmp_path / "corpus"
    found.mkdir()
    rows = []
    for one in records:
        (found / f"{one['id']}.json").write_text(json.dumps(one))
        rows.append({"file": f"{one['id']}.json", "api": one["api"], "method": one.get("method", "POST")})
    (found / "index.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return found


def test_the_corpus_is_where_the_variable_says(corpus: Path) -> None:
    assert recordings.find() == corpus
    assert recordings.shared() == corpus.parent


def test_without_the_variable_it_is_beside_the_checkout_or_above(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(recordings.SHARED)
    corpus.parent.joinpath("shared").mkdir()
    corpus.rename(tmp_path / "shared" / "corpus")
    within = tmp_path / "checkout" / "plugins"
    within.mkdir(parents=True)
    monkeypatch.chdir(within)
    assert recordings.find() == tmp_path / "shared" / "corpus"


def test_calls_of_an_api_are_loaded_in_the_indexs_order(corpus: Path) -> None:
    found = recordings.load("toy")
    assert [one.id for one in found] == ["1", "2", "3", "4"]
    assert [one.id for one in recordings.load("toy", "other", corpus=corpus)] == ["1", "2", "3", "4", "5"]
    first = found[0]
    assert (first.name, first.model, first.status, first.headers) == ("1", "m", 200, {"content-type": "x/y"})
    assert (first.host, first.path, first.query) == ("h", "/toy", {"a": "b"})


def test_a_body_is_the_bytes_that_were_sent(corpus: Path) -> None:
    whole, stream, framed, array = recordings.load("toy")
    assert (whole.body, whole.stream) == ('{"text": "grün"}'.encode(), False)
    assert (stream.body, stream.stream) == (TEXT.encode(), True)
    assert (framed.body, framed.stream) == (b"\x00\xff", True)
    assert (array.body, array.stream) == (b'[{"text": "a"}, {"text": "b"}]', True)


def test_a_request_is_its_json_or_none(corpus: Path) -> None:
    assert [one.request for one in recordings.load("toy")] == [{"text": "Hi"}, None, None, None]


def test_splits_are_whole_together_in_single_bytes_and_the_same_every_time(corpus: Path) -> None:
    [_, one, *_], [_, again, *_] = recordings.load("toy"), recordings.load("toy")
    splits = list(one.splits())
    assert all(b"".join(pieces) == one.body for pieces in splits)
    assert {len(piece) for piece in splits[0]} == {1}
    assert len({len(pieces) for pieces in splits}) > 2
    assert splits == list(again.splits())
    assert one.pieces(1) != one.pieces(2)


def test_the_shortest_body_has_pieces_too(corpus: Path) -> None:
    empty = recordings.load("other")[0]
    assert b"".join(empty.pieces(1)) == empty.body == b"{}"


class Toy(Recording, frozen=True):
    @property
    def words(self) -> int:
        return len(self.body)


def test_a_derived_recording_adds_what_a_test_asks(corpus: Path) -> None:
    assert [one.words for one in recordings.load("toy", of=Toy)][2] == 2


def test_where_there_is_none_tests_skip_and_say_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(recordings.SHARED, str(tmp_path))
    assert recordings.find() is None
    assert recordings.load("toy") == []
    with pytest.raises(pytest.skip.Exception, match=recordings.SHARED):
        recordings.needed([])
    [absent] = recordings.parameters([])
    assert absent.marks[0].name == "skip"


def test_each_runs_a_test_for_all_of_a_provider(corpus: Path) -> None:
    named = [
        msgspec.structs.replace(found, name=name)
        for found, name in zip(recordings.load("toy"), ("toy/p/1", "toy/q/2", "toy/p/3"), strict=False)
    ]
    mark = recordings.each(named, "one").mark
    assert mark.args[0] == "one"
    given = {parameter.id: [one.name for one in parameter.values[0]] for parameter in mark.args[1]}
    assert given == {"toy/p": ["toy/p/1", "toy/p/3"], "toy/q": ["toy/q/2"]}
    assert recordings.needed(named) is named


SEEN: list[tuple[str, str]] = []


@pytest.mark.parametrize("recorded", [recordings.Batch(("a", "b"))], ids=["batch"])  # type: ignore[type-var]
async def test_a_test_is_called_with_each_of_a_batch(recorded: str, tmp_path: Path) -> None:
    SEEN.append((recorded, tmp_path.name))


def test_so_it_was() -> None:
    assert [name for name, _ in SEEN] == ["a", "b"]


def test_all_that_fail_are_named_and_skips_of_some_are_none(corpus: Path) -> None:
    batch = recordings.Batch(recordings.load("toy"))

    def fails(*ids: str) -> None:
        def test(one: Recording, other: int) -> None:
            assert other == 7
            if one.id in ids:
                raise ValueError(one.id)
            pytest.skip("not this one")

        recordings.call_each(test, {"one": batch, "other": 7})

    with pytest.raises(ValueError, match="2") as alone:
        fails("2")
    assert alone.value.__notes__ == ["with the recording 2"]
    with pytest.raises(ExceptionGroup, match="with 2 of 4 recordings") as several:
        fails("2", "4")
    assert [str(error) for error in several.value.exceptions] == ["2", "4"]
    with pytest.raises(pytest.skip.Exception, match="not this one"):
        fails()
