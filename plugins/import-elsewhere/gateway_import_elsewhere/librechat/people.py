"""LibreChat's roles, groups and users.

Source: LibreChat `packages/data-schemas/src/schema/{role,group,user}.ts`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from gateway import RemotePermissions, Role, Secret
from gateway.exported import epoch, text

from ..plan import PlannedGroup, PlannedLogin, PlannedUser
from ..verdict import Note
from .creds import Creds, Unreadable
from .left import left_of

Document = Mapping[str, Any]
REMOTE_AGENTS, AGENTS, MCP_SERVERS = "REMOTE_AGENTS", "AGENTS", "MCP_SERVERS"
DATED = {
    "createdAt": "a date here is that of the import",
    "updatedAt": "a date here is that of the import",
}
ELSEWHERE = {
    "googleId": "google",
    "facebookId": "facebook",
    "githubId": "github",
    "discordId": "discord",
    "appleId": "apple",
    "samlId": "saml",
    "ldapId": "ldap",
}
"""Members that say what a user is called elsewhere, and the provider of that identity here."""
SEEN = frozenset({"emailVerified", "twoFactorEnabled", "termsAccepted", "provider"})
USER = SEEN | {"name", "username", "email", "password", "role", "termsAcceptedAt", "openidId", "openidIssuer"}
SECOND_FACTOR = frozenset({"totpSecret", "backupCodes", "twoFactorEnrolledAt"})
REASONS = {
    **DATED,
    "refreshToken": "sessions are not carried: users log in again",
    "plugins": "plugins of LibreChat's web client are not run here",
    "expiresAt": "an account whose address is not verified does not expire here",
    "pendingTotpSecret": "a second factor that was not confirmed is begun anew",
    "pendingBackupCodes": "a second factor that was not confirmed is begun anew",
    "tenantId": "the gateway has one tenant",
}
_BCRYPT = re.compile(r"\$2[abxy]\$\d\d\$[./A-Za-z0-9]{53}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


def roles(documents: Iterable[Document], notes: list[Note]) -> Iterator[Role]:
    for document in documents:
        name, given = text(document, "name"), document.get("permissions")
        permissions = given if isinstance(given, dict) else {}
        if not name:
            notes.append(Note("roles", str(document.get("_id", "")), "dropped", "it has no name"))
            continue
        for other in permissions.keys() - {REMOTE_AGENTS, AGENTS, MCP_SERVERS}:
            why = "says what LibreChat's web client offers; the gateway asks for REMOTE_AGENTS, AGENTS and MCP_SERVERS"
            notes.append(Note("roles.permissions", f"{name}: {other}", "dropped", why))
        notes.extend(left_of("roles", document, {"name", "permissions"}, DATED))
        yield Role(name, *(_remote(permissions.get(kind)) for kind in (REMOTE_AGENTS, AGENTS, MCP_SERVERS)))


def _remote(given: object) -> RemotePermissions:
    found = given if isinstance(given, dict) else {}
    said = [found.get(name) for name in ("USE", "CREATE", "SHARE", "SHARE_PUBLIC")]
    return RemotePermissions(*(one if isinstance(one, bool) else None for one in said))


def groups(documents: Iterable[Document], notes: list[Note]) -> Iterator[tuple[PlannedGroup, list[str]]]:
    """With their members, by what those are called: a user's `_id` or `idOnTheSource`."""
    reasons = {**DATED, "idOnTheSource": "groups are not read from a directory here", "source": "groups are local here"}
    for document in documents:
        subject, name, members = text(document, "_id"), text(document, "name"), document.get("memberIds")
        if not subject or not name:
            notes.append(Note("groups", subject or name, "dropped", "it has no _id or no name"))
            continue
        notes.extend(left_of("groups", document, {"name", "description", "memberIds"}, reasons))
        group = PlannedGroup(subject, name, text(document, "description"))
        yield group, [str(one) for one in members] if isinstance(members, list) else []


def memberships(found: Iterable[tuple[PlannedGroup, list[str]]]) -> Mapping[str, tuple[str, ...]]:
    """Names of groups by member."""
    names: defaultdict[str, list[str]] = defaultdict(list)
    for group, members in found:
        for member in members:
            names[member].append(group.name)
    return {member: tuple(dict.fromkeys(given)) for member, given in names.items()}


def users(
    documents: Iterable[Document], member_of: Mapping[str, tuple[str, ...]], creds: Creds, notes: list[Note]
) -> Iterator[PlannedUser]:
    for document in documents:
        subject, email = text(document, "_id"), text(document, "email").lower()
        if not subject:
            notes.append(Note("users", email, "dropped", "it has no _id"))
            continue
        source = text(document, "idOnTheSource")
        notes.extend(left_of("users", document, USER | ELSEWHERE.keys() | SECOND_FACTOR | {"idOnTheSource"}, REASONS))
        yield PlannedUser(
            subject=subject,
            name=email or text(document, "username") or subject,
            email=email,
            role=text(document, "role") or "USER",
            groups=(*member_of.get(subject, ()), *(member_of.get(source, ()) if source else ())),
            verified=document.get("emailVerified") is True,
            identities=tuple(_identities(document, subject, notes)),
            login=_login(document, subject, creds, notes),
        )


def _identities(document: Document, subject: str, notes: list[Note]) -> Iterator[tuple[str, str]]:
    for member, provider in ELSEWHERE.items():
        if found := text(document, member):
            yield provider, found
    if openid := text(document, "openidId"):
        issuer = text(document, "openidIssuer")
        if not issuer:
            why = "its issuer is not said, so it is kept as `openid`; by the address the user is known all the same"
            notes.append(Note("users.openidId", subject, "changed", why))
        yield issuer or "openid", openid


def _login(document: Document, subject: str, creds: Creds, notes: list[Note]) -> PlannedLogin:
    password = text(document, "password")
    if password and not _BCRYPT.fullmatch(password):
        notes.append(Note("users.password", subject, "dropped", "it is no bcrypt hash; the user sets another"))
        password = ""
    totp = _totp(document, subject, creds, notes)
    return PlannedLogin(
        password=Secret(password),
        name=text(document, "name"),
        username=text(document, "username"),
        verified=document.get("emailVerified") is True,
        terms=_terms(document),
        totp=totp,
        codes=_codes(document) if totp is not None else (),
    )


def _terms(document: Document) -> float | None:
    """0.0 where nobody knows when they were accepted."""
    if document.get("termsAccepted") is not True:
        return None
    return epoch(document.get("termsAcceptedAt")) or 0.0


def _totp(document: Document, subject: str, creds: Creds, notes: list[Note]) -> Secret | None:
    """LibreChat's own secrets have sixteen characters, once kept in the clear."""
    kept, on = text(document, "totpSecret"), document.get("twoFactorEnabled") is True
    if not kept or not on:
        if kept or on:
            why = "it was not in use" if kept else "it is asked for, but its secret is not in the dump"
            notes.append(Note("users.totpSecret", subject, "dropped", why))
        return None
    try:
        found = Secret(kept) if re.fullmatch(r"[A-Z2-7]{16,64}", kept) else creds.read(kept)
        if not re.fullmatch(r"[A-Za-z2-7]{16,128}=*", found.reveal()):
            raise Unreadable("CREDS_KEY is another than that which it was encrypted with")
    except Unreadable as error:
        why = f"{error}; the user logs in without a second factor, and enables one again"
        notes.append(Note("users.totpSecret", subject, "dropped", why))
        return None
    return found


def _codes(document: Document) -> tuple[str, ...]:
    """Those that are not used."""
    given = document.get("backupCodes")
    found = [one for one in given if isinstance(one, dict) and one.get("used") is not True] if given else []
    return tuple(code for one in found if _DIGEST.fullmatch(code := text(one, "codeHash").lower()))
