"""Signatures of tokens: HS256, and nothing else, whatever a token says of itself."""

from __future__ import annotations

from typing import Any

import jwt

from gateway import Secret

from .bad_token import BadToken

ALGORITHM = "HS256"
# By the gateway's own clock, and at each use: see tokens.py.
_OPTIONS: Any = {f"verify_{name}": False for name in ("exp", "nbf", "iat", "sub", "jti")}


def signed(claims: dict[str, Any], secret: Secret) -> str:
    return jwt.encode(claims, secret.reveal(), ALGORITHM)


def proven(text: str, secret: Secret) -> dict[str, Any]:
    """What the signature is of. Raises BadToken."""
    try:
        return jwt.decode(text, secret.reveal(), algorithms=[ALGORITHM], options=_OPTIONS)
    except jwt.InvalidAlgorithmError as error:
        raise BadToken(f"The token is not signed in the way that is taken here: {ALGORITHM}.") from error
    except jwt.InvalidSignatureError as error:
        raise BadToken("The token's signature is not this gateway's: it was changed, or made elsewhere.") from error
    except jwt.PyJWTError as error:
        raise BadToken("The token is malformed.") from error
