"""What had no place on the way from one form to another, as paths."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ..call import Extra


class Loss:
    """paths: of what was lost, each once. own: call or reply is of the dialect that is written, so its extra members
    have a place.
    """

    __slots__ = ("_known", "own", "paths")

    def __init__(self, own: bool = False) -> None:
        self.own = own
        self.paths: list[str] = []
        self._known: set[str] = set()

    def add(self, path: str) -> None:
        if path not in self._known:
            self._known.add(path)
            self.paths.append(path)

    def keep(self, extra: Extra, path: str = "", known: Collection[str] = ()) -> Extra:
        """The members to write; those of another dialect are lost, but for what is `known` and has a place elsewhere.

        path: of the object that they stand in.
        """
        if self.own:
            return extra
        self.lose(extra, path, known)
        return {}

    def lose(self, extra: Extra, path: str = "", known: Collection[str] = ()) -> None:
        """The same, whoever's members they are."""
        for name in extra:
            if name not in known:
                self.add(f"{path}.{name}" if path else name)

    def unsaid(self, asked: Mapping[str, object]) -> None:
        """What the dialect has no word for: the paths whose values ask for something."""
        for path, value in asked.items():
            if value:
                self.add(path)
