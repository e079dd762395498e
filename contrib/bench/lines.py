"""Lines of the table: a figure, what is asked of it, and whether that is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Figures = Mapping[str, Mapping[str, float]]
"""Medians by proxy and measure."""


@dataclass(frozen=True)
class Line:
    """measured: the figures behind it, in words. value: what is compared. unit: of what, as `x nginx's CPU`.

    reach: what is asked for, None where nothing can be said. least: whether more is better. figures: for programs.
    """

    what: str
    measured: str
    value: float | None
    unit: str
    reach: float | None
    least: bool = False
    figures: Figures = field(default_factory=dict)

    @property
    def reached(self) -> bool | None:
        if self.value is None or self.reach is None:
            return None
        return self.value >= self.reach if self.least else self.value <= self.reach


def against(
    what: str, figures: Figures, measure: str, other: str, unit: str, reach: float, least: bool = False
) -> Line:
    """The gateway's figure divided by nginx's or the bare proxy's; where nginx is not there by the bare proxy's, and
    then nothing is asked.
    """
    told, ours = worded(figures, measure), figures["gateway"][measure]
    asked = reach if other in figures else None
    other, unit = (other, unit) if other in figures else ("bare", unit.replace("nginx", "bare"))
    return Line(what, told, ours / figures[other][measure], unit, asked, least, figures)


def worded(figures: Figures, measure: str) -> str:
    """As `bare 5,100, nginx 41,000, gateway 10,300 /s`."""
    told = [f"{name} {number(taken[measure])}" for name, taken in figures.items() if measure in taken]
    return f"{', '.join(told)} {measure.rpartition(', ')[2]}"


def number(value: float) -> str:
    size = abs(value)
    return f"{value:,.0f}" if size >= 1000 or value == int(value) else f"{value:.1f}" if size >= 10 else f"{value:.2f}"
