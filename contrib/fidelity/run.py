"""Every recorded call and reply through every pair of dialects, streamed and not: one table of what agrees.

    python contrib/fidelity/run.py CORPUS [--pair CLIENT:UPSTREAM] [--show] [--json FILE]

What a reply comes to is read off the wire, before and after, by readers that share nothing with the dialects. `lossy`:
it differs, and the reply names what was lost. `failed`: it differs, and nothing says so. Exit code 1 where any failed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from calls import asked_through
from cross import differences, recorded, refused, through
from known import EXPLAINED
from recordings import Spoken, recordings
from said import Said

from gateway.dialect import ClientDialect, ServerDialect
from gateway.testing import installed

WORDS = {
    "text": re.compile("content|text|refusal|output|parts"),
    "reasoning": re.compile("reason|think|thought"),
    "calls": re.compile("tool|call"),
    "call ids": re.compile("tool|call"),
    "pictures": re.compile("image|output"),
    "end": re.compile("finish|stop|status"),
    "failed": re.compile("error"),
    **{name: re.compile("usage") for name in ("read", "cached", "wrote", "thought")},
}
"""What the loss report must say for a difference to count as reported."""
DRAWN = ("openai-chat", "gemini")
"""Dialects whose replies have a place for pictures. Of others it is asked that they name them as lost."""
VERDICTS = ("agreed", "lossy", "refused", "explained", "failed")


@dataclass
class Pair:
    """A client dialect and an upstream's; cases by what came of them, and the differing ones."""

    client: str
    upstream: str
    stream: bool
    side: str = "reply"
    counts: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)

    def add(self, verdict: str, note: str = "") -> None:
        self.counts[verdict] += 1
        if note:
            self.notes.append(f"{verdict}: {note}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--pair", help="only CLIENT:UPSTREAM")
    parser.add_argument("--show", action="store_true", help="every case that does not agree")
    parser.add_argument("--json", type=Path, help="write the table here, too")
    options = parser.parse_args()
    servers = {one.name: one for one in installed.servers()}
    clients = {one.name: one for one in installed.clients()}
    known = list(recordings(options.corpus, clients))
    pairs = []
    for server in servers.values():
        if server.name not in clients or not generates(server):
            continue
        for upstream in clients.values():
            if upstream.name in servers and not generates(servers[upstream.name]):
                continue
            if options.pair in (None, f"{server.name}:{upstream.name}"):
                pairs += compared(server, clients[server.name], upstream, known)
    pairs = [pair for pair in pairs if pair.counts]
    show(pairs, options.show)
    if options.json:
        rows = [{**vars(pair), "counts": dict(pair.counts)} for pair in pairs]
        options.json.write_text(json.dumps(rows, indent=1))
    return 1 if any(pair.counts["failed"] for pair in pairs) else 0


def generates(server: ServerDialect) -> bool:
    return any(one.kind == "generate" for one in server.operations)


def compared(server: ServerDialect, own: ClientDialect, upstream: ClientDialect, known: list[Spoken]) -> list[Pair]:
    out = [asked(server, upstream, known)]
    for stream in (False, True):
        pair = Pair(server.name, upstream.name, stream)
        for recording in known:
            if recording.dialect == upstream.name:
                judge(pair, recording, server, own, upstream)
        out.append(pair)
    return out


def asked(server: ServerDialect, upstream: ClientDialect, known: list[Spoken]) -> Pair:
    pair = Pair(server.name, upstream.name, False, "call")
    for recording in known:
        if recording.dialect == server.name and recording.request and recording.status < 400:
            outcome = asked_through(recording, server, upstream)
            pair.add(outcome.verdict, outcome.note)
    return pair


def judge(pair: Pair, recording: Spoken, server: ServerDialect, own: ClientDialect, upstream: ClientDialect) -> None:
    if recording.status >= 400:
        if not pair.stream:
            judge_error(pair, recording, server, own, upstream)
        return
    wanted = recorded(recording)
    came = through(recording, server, own, upstream, pair.stream)
    if came.got is None:
        fits = wanted.failed or wanted.end is None
        verdict = "agreed" if fits else "explained" if recording.id in EXPLAINED else "failed"
        pair.add(verdict, "" if fits else f"{recording.name}: refused: {came.refused}")
        return
    differ = differences(wanted, came.got)
    if "pictures" in differ and pair.client not in DRAWN and _is_named("pictures", came.loss):
        differ.remove("pictures")
    if not differ:
        pair.add("agreed")
        return
    told = [f"{name}: {_cut(wanted, name)} became {_cut(came.got, name)}" for name in differ]
    reason = EXPLAINED.get(recording.id)
    named = all(_is_named(name, came.loss) for name in differ)
    verdict = "explained" if reason else "lossy" if named else "failed"
    pair.add(verdict, f"{recording.name}: {reason or '; '.join(told)} {list(came.loss) or ''}")


def _is_named(name: str, loss: Sequence[str]) -> bool:
    return any(WORDS[name].search(path.lower()) for path in loss)


def _cut(said: Said, name: str) -> str:
    return f"{getattr(said, name, '')!r:.120}"


def judge_error(
    pair: Pair, recording: Spoken, server: ServerDialect, own: ClientDialect, upstream: ClientDialect
) -> None:
    """An error status arrives as itself (our own refused credentials as 502), in words that are not empty."""
    error = refused(recording, server, own, upstream)
    ours = recording.status in (401, 403) or b"API_KEY_INVALID" in recording.body
    wanted = 502 if ours else recording.status
    ok = error.status == wanted and bool(error.public)
    pair.add("agreed" if ok else "failed", "" if ok else f"{recording.name}: {recording.status} became {error.status}")


def show(pairs: list[Pair], every: bool) -> None:
    print(f"{'client':20} {'upstream':20} {'':9} {'cases':>6} " + " ".join(f"{name:>10}" for name in VERDICTS))
    for pair in pairs:
        total = pair.counts.total()
        counts = " ".join(f"{pair.counts[name]:>10}" for name in VERDICTS)
        how = pair.side if pair.side == "call" else "streamed" if pair.stream else "whole"
        print(f"{pair.client:20} {pair.upstream:20} {how:9} {total:>6} {counts}  {pair.counts['agreed'] / total:6.1%}")
    for pair in pairs if every else ():
        for note in pair.notes:
            print(f"{pair.client} <- {pair.upstream}: {note}")


if __name__ == "__main__":
    sys.exit(main())
