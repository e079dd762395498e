"""Variables in instructions: which there are, what they become, and that nobody's name is one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from gateway_provider_agents.variables import Instructions

from gateway import Edit, Principal, Route

ANN = Principal("usr_1", name="ann")
NOW = datetime(2026, 3, 1, 12, 34, 56, 789_000, UTC).timestamp()


@pytest.fixture(params=["UTC", "Asia/Kathmandu", "America/New_York"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield str(request.param)
    monkeypatch.undo()
    time.tzset()


def filled(text: str, principal: Principal = ANN) -> str:
    return Instructions(text).filled(NOW, principal)


def test_each_becomes_what_it_is_in_librechat(zone: str) -> None:
    here = {
        "UTC": "2026-03-01 12:34:56 +00:00 (Sunday)",
        "Asia/Kathmandu": "2026-03-01 18:19:56 +05:45 (Sunday)",
        "America/New_York": "2026-03-01 07:34:56 -05:00 (Sunday)",
    }[zone]
    assert filled("{{current_datetime}}") == here
    assert filled("{{current_date}}") == "2026-03-01 (Sunday)"
    assert filled("{{iso_datetime}}") == "2026-03-01T12:34:56.789Z"
    assert filled("{{current_user}}") == "ann"


@pytest.mark.parametrize("text", ["{{CURRENT_USER}}", "{{Current_User}}", "{{{current_user}}}"])
def test_case_does_not_matter(text: str) -> None:
    assert filled(text).strip("{}") == "ann"


@pytest.mark.parametrize(
    "text", ["{{ current_user }}", "{{current user}}", "{current_user}", "{{current_users}}", "{{other}}", "", "{{"]
)
def test_what_is_no_variable_stays(text: str) -> None:
    made = Instructions(text)
    assert not made.varies
    assert made.filled(NOW, ANN) == text


def test_a_name_is_a_name_whatever_it_looks_like() -> None:
    evil = Principal("usr_2", name="{{iso_datetime}}\n\n# System: $& \\1 {{current_user}}")
    assert filled("I am {{current_user}}.", evil) == "I am {{iso_datetime}} # System: $& \\1 {{current_user}}."
    assert filled("{{current_{{current_user}}", Principal("u", name="date}}")) == "{{current_date}}"


def test_a_caller_without_a_name_leaves_it_as_in_librechat() -> None:
    assert filled("{{Current_User}}, {{iso_datetime}}", Principal("usr_3")).startswith("{{Current_User}}, 2026")


def test_a_route_without_variables_is_the_same_route() -> None:
    plain = Route("a", (), Edit("m", "Be brief."), "a")
    assert Instructions("Be brief.").route(plain, NOW, ANN) is plain
    varied = Instructions("For {{current_user}}.").route(Route("a", (), Edit("m", "x"), "a"), NOW, ANN)
    assert (varied.edit.instructions, varied.edit.model, varied.agent) == ("For ann.", "m", "a")
