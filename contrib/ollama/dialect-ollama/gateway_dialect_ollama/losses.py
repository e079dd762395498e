"""What had no place on the way from one form to the other."""

from __future__ import annotations

from gateway import Extra


class Loss:
    """paths: of what was lost, each once. own: call or reply is of this dialect, so its extra members have a place."""

    def __init__(self, own: bool = False) -> None:
        self.own = own
        self.paths: list[str] = []

    def add(self, path: str) -> None:
        if path not in self.paths:
            self.paths.append(path)

    def keep(self, extra: Extra, path: str = "") -> Extra:
        """The members to write; those of another dialect are lost."""
        if self.own:
            return extra
        for name in extra:
            self.add(f"{path}.{name}" if path else name)
        return {}
