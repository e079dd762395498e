"""The survey as Markdown tables: a row a feature, a column a pair of dialects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .survey import FATES, Fate, Row

SIGNS: Mapping[Fate, str] = {
    "kept": "●",
    "mapped": "◐",
    "reported": "○",
    "refused": "✕",
    "silent": "?",
    "": "",
}


def legend() -> str:
    return "\n".join(f"- {SIGNS[fate] or '(empty)'} {words}" for fate, words in FATES.items() if fate != "silent")


def tables(rows: Sequence[Row]) -> str:
    """Two tables for each client dialect, of what it asks and of what it is answered; one column an upstream's."""
    out: list[str] = []
    for client in rows[0].fates if rows else ():
        upstreams = [name for name in rows[0].fates[client] if name != client]
        out.append(f"A client of **{client}**, to upstreams of:\n\n" + "\n".join(_table(rows, client, upstreams)))
    return "\n\n".join(out)


def _table(rows: Iterable[Row], client: str, upstreams: Sequence[str]) -> Iterable[str]:
    yield f"| | {' | '.join(upstreams)} |"
    yield f"| --- |{' :-: |' * len(upstreams)}"
    side = ""
    for row in rows:
        fates = [row.fates[client][upstream] for upstream in upstreams]
        if not any(fates):
            continue
        if row.side != side:
            side = row.side
            yield f"| *the {side}'s* |{' |' * len(upstreams)}"
        yield f"| {row.feature} | {' | '.join(SIGNS[fate] for fate in fates)} |"
