"""A provider that tells what is wrong with its settings."""

from __future__ import annotations

from collections.abc import Mapping

from gateway import Finding, Outgoing
from gateway.endpoint import ConfiguredProvider, Unusable


class Mine(ConfiguredProvider):
    endpoint = "mine"
    dialects = ("d",)
    path = "endpoints.mine"

    def url(self, outgoing: Outgoing) -> str:
        raise AssertionError("it is not called")

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        raise AssertionError("it is not called")


def test_what_is_refused_answers_nothing_and_says_why() -> None:
    mine = Mine()
    mine.refuse(Unusable("A_KEY", "it is not set", "set it"))
    assert mine.unavailable == "A_KEY: it is not set"
    assert mine.findings() == [Finding("endpoints.mine", "A_KEY: it is not set", "set it", "warning")]


def test_a_warning_leaves_it_as_it_is_and_another_endpoint_alone() -> None:
    mine, other = Mine(), Mine()
    mine.warn("endpoints.mine.x", "it has no effect", "take it out")
    assert mine.unavailable is None
    assert mine.findings() == [Finding("endpoints.mine.x", "it has no effect", "take it out", "warning")]
    assert other.findings() == []
