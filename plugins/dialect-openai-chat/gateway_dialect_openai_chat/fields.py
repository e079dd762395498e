"""A client's objects: what of them says something, and lists of them."""

from __future__ import annotations

from gateway import Extra
from gateway.wire import jsontext
from gateway.wire.members import Kind, Members, parsed

OBJECTS = Kind(list[Extra], "a list of objects")
_NOTHING = (b"null", b"[]")


class Fields(Members):
    """`others` is what of the rest says something: SDKs send back nulls and empty lists for what a reply did not
    have.
    """

    __slots__ = ()

    def each(self, name: str) -> list[Fields]:
        """The objects of a list under a name."""
        found = self.take(name, OBJECTS) or []
        return [Fields(members, f"{self.at(name)}[{at}]") for at, members in enumerate(found)]

    def others(self, name: str = "", inner: Fields | None = None) -> Extra:
        """inner: the object under a name, whose own others stand there again."""
        found = {name: value for name, value in self._members.items() if bytes(value) not in _NOTHING}
        if inner is not None and (more := inner.others()):
            found[name] = jsontext.raw(more)
        return found


def parse(body: bytes) -> Fields:
    """A request's body. Raises BadCall with the reason where it is not a JSON object."""
    return Fields(parsed(body))
