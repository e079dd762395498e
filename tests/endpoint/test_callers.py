"""Lists for each caller: shared where what is sent is the same, and bounded."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.endpoint.callers import CallerLists


class Made:
    """Remembers what lists were made."""

    def __init__(self) -> None:
        self.urls: list[str] = []

    def __call__(self, url: str, headers: Mapping[str, str]) -> One:
        self.urls.append(url)
        return One(f"{url} {headers.get('x-user', '')}".strip())


class One:
    def __init__(self, name: str) -> None:
        self._name = name

    async def names(self) -> tuple[str, ...]:
        return (self._name,)


async def test_callers_who_send_the_same_share_a_list() -> None:
    made = Made()
    lists = CallerLists(made)
    assert await lists.names("u?user=a", {"x": "1", "y": "2"}) == ("u?user=a",)
    assert await lists.names("u?user=a", {"y": "2", "x": "1"}) == ("u?user=a",)
    assert await lists.names("u", {"x-user": "b"}) == ("u b",)
    assert made.urls == ["u?user=a", "u"]


async def test_the_least_used_list_is_forgotten() -> None:
    made = Made()
    lists = CallerLists(made, kept=2)
    for url in ("a", "b", "a", "c", "a", "b"):
        await lists.names(url, {})
    assert made.urls == ["a", "b", "c", "b"]
