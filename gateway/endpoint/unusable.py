"""Unusable: why an endpoint cannot be called, in words for its operator."""

from __future__ import annotations

from ..settings import Finding, UnsetVariable

SET_IT = "set it in the environment or in .env"


class Unusable(Exception):
    """where: a variable's name, or a path in librechat.yaml. what: what is wrong there. todo: what to do about it.

    Its text is where and what.
    """

    def __init__(self, where: str, what: str, todo: str = SET_IT) -> None:
        super().__init__(f"{where}: {what}")
        self.where, self.what, self.todo = where, what, todo

    @classmethod
    def unset(cls, where: str, error: UnsetVariable) -> Unusable:
        return cls(where, unset(error))

    def of(self, path: str) -> Finding:
        """About the endpoint that is configured at this path."""
        return Finding(path, str(self), self.todo, "warning")

    def below(self, path: str) -> Finding:
        """The same where `where` is a key below this path."""
        return Finding(f"{path}.{self.where}", self.what, self.todo, "warning")


def unset(error: UnsetVariable) -> str:
    """`the variable X is not set`"""
    names = " and ".join(error.names)
    return f"the variable {names} is not set" if len(error.names) == 1 else f"the variables {names} are not set"
