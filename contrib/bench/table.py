"""The figures as a table for the terminal."""

from __future__ import annotations

BETTER_HIGH = ("replies/s", "streams/s")
RATIOS = "gateway : bare"


def drawn(figures: dict[str, dict[str, float]]) -> str:
    """A row a measure, a column a proxy, and the gateway against the bare proxy: above 1.00 the gateway is better."""
    proxies = list(figures)
    measures = list(dict.fromkeys(what for taken in figures.values() for what in taken))
    both = {"bare", "gateway"} <= set(proxies)
    rows = [["", *proxies, *([RATIOS] if both else [])]]
    for what in measures:
        row = [what, *(_number(figures[proxy].get(what)) for proxy in proxies)]
        rows.append(row + ([_ratio(what, figures)] if both else []))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) if column == 0 else cell.rjust(width) for column, (cell, width) in enumerate(line))
        for line in (list(zip(row, widths, strict=True)) for row in rows)
    )


def _number(value: float | None) -> str:
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def _ratio(what: str, figures: dict[str, dict[str, float]]) -> str:
    bare, ours = figures["bare"].get(what), figures["gateway"].get(what)
    if not bare or not ours or what.endswith("%") or "latency" in what:
        return ""
    return f"{ours / bare if what.endswith(BETTER_HIGH) else bare / ours:.2f}"
