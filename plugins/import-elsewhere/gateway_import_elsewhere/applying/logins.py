"""How users of a plan log in: hashes of passwords and second factors. A login that is here already stays as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable

import msgspec

from gateway import Unavailable
from gateway.logins import Login

from ..plan import PlannedLogin, PlannedUser
from ..verdict import Note
from .people_ids import Ids
from .place import Place

NO_LOGINS = "the store keeps no passwords, so the user comes in by keys or OpenID"
NOT_SECOND = "there is no password that it could be second to"
NO_VAULT = "CREDS_KEY is not set, so no second factor can be kept; the user enables one again"


async def logins(users: Iterable[PlannedUser], store: Place, ids: Ids, dry: bool) -> AsyncIterator[Note]:
    for user in users:
        given, user_id = user.login, ids.users.get(user.subject)
        if given is None or user_id is None:
            continue
        if not given.password.reveal():
            if given.totp is not None:
                yield Note("users.totpSecret", user.name, "dropped", NOT_SECOND)
            continue
        if store.logins is None:
            yield Note("logins", user.name, "dropped", NO_LOGINS)
            continue
        if await store.logins.get(user_id) is not None:
            yield Note("logins", user.name, "known")
            continue
        login, why = _sealed(given, user_id, store)
        if not dry:
            await store.logins.put(login)
        yield Note("logins", user.name, "changed" if why else "carried", why)


def _sealed(given: PlannedLogin, user_id: str, store: Place) -> tuple[Login, str]:
    """And what is lost, if anything is."""
    login = Login(user_id, given.password, given.name, given.username, given.verified, terms=given.terms)
    if given.totp is None:
        return login, ""
    try:
        totp = store.vault.seal(given.totp, f"{user_id}/totp") if store.vault is not None else None
    except Unavailable:
        totp = None
    if totp is None:
        return login, NO_VAULT
    return msgspec.structs.replace(login, totp=totp, two_factor=True, codes=given.codes), ""
