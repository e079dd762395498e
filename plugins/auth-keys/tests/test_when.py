"""Times on the command line."""

from __future__ import annotations

import click
import pytest
from gateway_auth_keys.when import At, iso, moment_option, span, span_option, spoken

CTX, PARAM = click.Context(click.Command("x")), click.Option(["--x"])


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("15m", 900), ("12h", 43200), ("30d", 2592000), ("2w", 1209600), ("0s", 0)]
)
def test_spans(text: str, seconds: float) -> None:
    assert span(text) == seconds
    moment = moment_option(CTX, PARAM, text)
    assert moment is not None
    assert moment.after(1000.0) == 1000.0 + seconds


@pytest.mark.parametrize(
    ("text", "at"),
    [("2027-01-31", 1801353600.0), ("2027-01-31T01:00+01:00", 1801353600.0), ("2027-01-31T00:00:00Z", 1801353600.0)],
)
def test_moments(text: str, at: float) -> None:
    moment = moment_option(CTX, PARAM, text)
    assert isinstance(moment, At)
    assert moment.after(5.0) == at


@pytest.mark.parametrize("text", ["", "soon", "30", "-3d", "1y", "2027-13-01", "9999999999d"])
def test_neither(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write for example 30d"):
        moment_option(CTX, PARAM, text)
    with pytest.raises(click.BadParameter, match="15m"):
        span_option(CTX, PARAM, text)


def test_times_are_told_in_utc() -> None:
    assert spoken(1801353600.0) == "2027-01-31 00:00 UTC"
    assert iso(1801353600.5) == "2027-01-31T00:00:00.500000Z"
    assert spoken(None) == ""
    assert iso(None) is None
