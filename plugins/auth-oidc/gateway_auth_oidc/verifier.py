"""Verifier: a token to what it proves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jwt

from gateway import Unauthenticated

from .claims import INVALID, Claims, check_begun, check_ended, check_scopes, claims
from .key_set import PublishedKey
from .peek import peek
from .signing_keys import SigningKeys
from .trusted import Trusted

_OPTIONS: Any = {
    "require": ["iss", "aud"],
    # By the gateway's own clock, and at each use: see claims.py.
    "verify_exp": False,
    "verify_nbf": False,
    "verify_iat": False,
    "enforce_minimum_key_length": True,
}


class Verifier:
    """clock: epoch seconds."""

    def __init__(self, trusted: Trusted, keys: SigningKeys, clock: Callable[[], float]) -> None:
        self._trusted, self._keys, self._clock = trusted, keys, clock
        self._algorithms: frozenset[str] = frozenset(trusted.own.algorithms)

    async def verify(self, text: str) -> Claims | None:
        """text: of the form of a token. None where it is another issuer's, or none.

        Raises Unauthenticated, in words that quote nothing of it, and Unavailable where its keys cannot be had.
        """
        said = peek(text)
        if said is None or said.issuer not in self._trusted.names:
            return None
        if said.algorithm not in self._algorithms:
            taken = ", ".join(self._trusted.own.algorithms)
            raise Unauthenticated(f"The token is not signed in a way that is taken here: {taken}.", code=INVALID)
        keys = await self._keys.fitting(said.key_id, said.algorithm)
        payload = self._proven(text, said.algorithm, keys)
        found = claims(payload, self._trusted.email_claims)
        now, leeway = self._clock(), self._trusted.own.leeway
        check_ended(found.expires, now, leeway)
        check_begun(payload, now, leeway)
        check_scopes(payload, self._trusted.scopes)
        return found

    def _proven(self, text: str, algorithm: str, keys: Sequence[PublishedKey]) -> dict[str, Any]:
        """The signature first: of what nobody signed nothing is said but that."""
        why: jwt.PyJWTError = jwt.InvalidSignatureError()
        if not keys:
            raise Unauthenticated("The token is signed with a key that its issuer does not publish.", code=INVALID)
        for key in keys:
            try:
                return self._decoded(text, algorithm, key)
            except jwt.InvalidSignatureError:
                continue
            except jwt.PyJWTError as error:
                why = error
                break
        raise Unauthenticated(_words(why), code=INVALID) from why

    def _decoded(self, text: str, algorithm: str, key: PublishedKey) -> dict[str, Any]:
        return jwt.decode(
            text,
            key.public,
            algorithms=[algorithm],
            audience=self._trusted.audience,
            issuer=self._trusted.names,
            options=_OPTIONS,
        )


def _words(error: jwt.PyJWTError) -> str:
    if isinstance(error, jwt.InvalidSignatureError):
        return "The token's signature is not its issuer's: the token was changed, or signed by somebody else."
    if isinstance(error, jwt.InvalidAudienceError) or (
        isinstance(error, jwt.MissingRequiredClaimError) and error.claim == "aud"
    ):
        return "The token is not for this gateway: ask its issuer for one with the audience that is asked for here."
    if isinstance(error, jwt.InvalidKeyError):
        return "The token's key is too short to be trusted; its issuer has to use a longer one."
    return "The token is malformed."
