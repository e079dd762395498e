"""What goes wrong with logins elsewhere, in words for models, users and operators. None of them holds a credential."""

from __future__ import annotations


class Lacking(Exception):
    """Something of a user's is not to be had: a token, or what was kept. `str` goes on behind the service's name."""


class NotLoggedIn(Lacking):
    """The user has to log in there first."""

    def __init__(self) -> None:
        super().__init__("this user has to log in to it first")


class LoginFailed(Exception):
    """In words for who tried to log in."""


class Refused(Exception):
    """The authorization server gives no token for this. code: of RFC 6749, 5.2."""

    def __init__(self, code: str) -> None:
        super().__init__(f"the authorization server refused it: {code[:100]}")
        self.code = code
