"""A user, as LibreChat's client is told of one."""

from __future__ import annotations

from gateway import User
from gateway.logins import Login

from .answers import date_told
from .tokens import PROVIDER


def user_told(user: User, login: Login | None) -> dict[str, object]:
    login = login or Login(user.id)
    return {
        "_id": user.id,
        "id": user.id,
        "username": login.username,
        "email": user.email,
        "emailVerified": login.verified,
        "name": login.name or user.name,
        "avatar": None,
        "role": user.role,
        "provider": PROVIDER,
        "plugins": [],
        "twoFactorEnabled": login.two_factor,
        "termsAccepted": login.terms is not None,
        "createdAt": date_told(user.created),
        "updatedAt": date_told(max(user.created, login.since)),
    }
