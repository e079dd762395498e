"""golden: a case holds, a wrong one fails with a diff, and the update writes what came out."""

from pathlib import Path

import pytest

from gateway.testing import golden
from gateway.testing.toy import ToyClient, ToyServer, ToyStream


class OtherServer(ToyServer):
    name = "other"


class OtherClient(ToyClient):
    name = "other"


SERVERS = (ToyServer(), OtherServer())
CLIENTS = (ToyClient(), OtherClient())
CASES = golden.files(__file__)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_that_is_right_holds(path):
    golden.run_case(golden.load(path), SERVERS, CLIENTS)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_writing_a_case_gives_the_file_again(path):
    assert golden.written(golden.load(path)) == path.read_text()


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("translated-stream", '"text": "llo"', '"text": "LLO"'),
        ("translated-stream", '"model": "real-m"', '"model": "other-m"'),
        ("translated-stream", "usage: input=5", "usage: input=9"),
        ("translated-cut", "client gets: 502", "client gets: 200"),
        ("passed-stream", "client gets: same", "client gets: 200 text/event-stream"),
        ("passed-stream", '"stream": true,\n  "text": "Hi",', '"text": "Hi",\n  "stream": true,'),
        ("passed-lost", "upstream_broken", "upstream_fine"),
        ("upstream-refused", "client gets: 429", "client gets: 500"),
        ("refused", "client gets: 400", "client gets: 422"),
    ],
)
def test_a_wrong_expectation_fails_with_a_diff(tmp_path, monkeypatch, name, old, new):
    monkeypatch.delenv(golden.UPDATE, raising=False)
    head, expectations = _halves((Path(__file__).parent / "golden" / f"{name}.exchange").read_text())
    assert old in expectations
    wrong = tmp_path / "wrong.exchange"
    wrong.write_text(head + expectations.replace(old, new, 1))
    with pytest.raises(AssertionError, match=r"came out otherwise[\s\S]*\n[-+]"):
        golden.run_case(golden.load(wrong), SERVERS, CLIENTS)


def test_the_update_mends_a_wrong_file_and_keeps_a_right_one(tmp_path, monkeypatch):
    right = (Path(__file__).parent / "golden" / "translated-stream.exchange").read_text()
    path = tmp_path / "case.exchange"
    path.write_text(right.replace("client gets: 200", "client gets: 299"))
    monkeypatch.setenv(golden.UPDATE, "1")
    golden.run_case(golden.load(path), SERVERS, CLIENTS)
    assert path.read_text() == right
    written = path.stat().st_mtime_ns
    golden.run_case(golden.load(path), SERVERS, CLIENTS)
    assert path.stat().st_mtime_ns == written


def test_a_dialect_that_depends_on_the_split_of_reads_fails(monkeypatch):
    monkeypatch.delenv(golden.UPDATE, raising=False)

    class Leaky(OtherClient):
        def decoder(self, target, stream):
            decoder = super().decoder(target, stream)
            whole = decoder.feed
            decoder.feed = lambda data: whole(data if len(data) > 1 else b"")
            return decoder

    case = golden.load(Path(__file__).parent / "golden" / "translated-stream.exchange")
    with pytest.raises(AssertionError, match="in pieces of 1 bytes"):
        golden.run_case(case, SERVERS, [Leaky()])


def test_an_expectation_that_the_exchange_never_comes_to_fails(tmp_path, monkeypatch):
    monkeypatch.delenv(golden.UPDATE, raising=False)
    path = tmp_path / "case.exchange"
    path.write_text('>>> client asks: toy POST /v1/toy\n\n{"text": 7}\n\n>>> upstream gets: other /toy\n')
    with pytest.raises(AssertionError, match="does not come to it"):
        golden.run_case(golden.load(path), SERVERS, CLIENTS)


def test_a_part_that_does_not_exist_is_named_with_its_line(tmp_path):
    path = tmp_path / "case.exchange"
    path.write_text("# Title\n\n>>> client ask: toy POST /v1/toy\n")
    with pytest.raises(ValueError, match=r"case\.exchange:3: no such part"):
        golden.load(path)


def test_a_dialect_that_is_not_installed_is_named():
    case = golden.load(Path(__file__).parent / "golden" / "translated-stream.exchange")
    with pytest.raises(golden.NotInstalled, match="client half of the dialect other"):
        golden.run_case(case, SERVERS, [ToyClient()])


def test_a_check_skips_a_case_whose_dialect_is_not_installed():
    with pytest.raises(pytest.skip.Exception, match="toy"):
        golden.check(Path(__file__).parent / "golden" / "passed-stream.exchange")


def test_the_ending_of_a_stream_is_part_of_the_case(tmp_path, monkeypatch):
    monkeypatch.delenv(golden.UPDATE, raising=False)
    monkeypatch.setattr(ToyStream, "finish", lambda self: b"data: no blank line")
    case = golden.load(Path(__file__).parent / "golden" / "translated-stream.exchange")
    with pytest.raises(AssertionError, match="unended"):
        golden.run_case(case, SERVERS, CLIENTS)


def _halves(text):
    """The file up to its first expectation with a body, and the rest."""
    marks = [at for name in (">>> upstream gets", ">>> client gets", ">>> call") if (at := text.find(name)) >= 0]
    return text[: min(marks)], text[min(marks) :]
