"""The routes of accounts, and who may call each."""

from __future__ import annotations

from collections.abc import Sequence

from gateway import RouteSpec

from .account import Account
from .desk import Desk
from .entering import Entering
from .registering import Registering
from .resetting import Resetting
from .second_factor import SecondFactor


def routes(desk: Desk) -> Sequence[RouteSpec]:
    return [*_entering(desk), *_second_factor(desk), *_account(desk)]


def _entering(desk: Desk) -> Sequence[RouteSpec]:
    registering, entering, resetting = Registering(desk), Entering(desk), Resetting(desk)
    register = desk.open(registering.register, desk.register_limit)
    login = desk.open(entering.login, desk.login_limit)
    ask, reset = desk.open(resetting.ask, desk.reset_limit), desk.open(resetting.reset, desk.reset_limit)
    verify, resend = desk.open(registering.verify, desk.verify_limit), desk.open(registering.resend, desk.verify_limit)
    refresh, logout = desk.open(entering.refresh), desk.personal(entering.logout)
    return [
        RouteSpec("POST", "/api/auth/register", register, "public", "Make an account of one's own"),
        RouteSpec("POST", "/api/auth/login", login, "public", "Log in by address and password"),
        RouteSpec("POST", "/api/auth/refresh", refresh, "public", "Another access token, by the session's cookie"),
        RouteSpec("POST", "/api/auth/logout", logout, summary="End the session"),
        RouteSpec("POST", "/api/auth/requestPasswordReset", ask, "public", "A link by mail for another password"),
        RouteSpec("POST", "/api/auth/resetPassword", reset, "public", "Another password, by the link"),
        RouteSpec("POST", "/api/user/verify", verify, "public", "Show whose an address is, by the link"),
        RouteSpec("POST", "/api/user/verify/resend", resend, "public", "Another such link"),
    ]


def _second_factor(desk: Desk) -> Sequence[RouteSpec]:
    factor = SecondFactor(desk)
    enable, enter = desk.personal(factor.enable), desk.open(factor.enter, desk.login_limit)
    verify, confirm = desk.personal(factor.verify), desk.personal(factor.confirm)
    disable, regenerate = desk.personal(factor.disable), desk.personal(factor.regenerate)
    return [
        RouteSpec("GET", "/api/auth/2fa/enable", enable, summary="Begin with a second factor"),
        RouteSpec("POST", "/api/auth/2fa/enable", enable, summary="Begin with a second factor"),
        RouteSpec("POST", "/api/auth/2fa/verify", verify, summary="Whether a code is right"),
        RouteSpec("POST", "/api/auth/2fa/confirm", confirm, summary="Ask for the second factor from now on"),
        RouteSpec("POST", "/api/auth/2fa/disable", disable, summary="Ask for it no more"),
        RouteSpec("POST", "/api/auth/2fa/backup/regenerate", regenerate, summary="Other backup codes, shown once"),
        RouteSpec("POST", "/api/auth/2fa/verify-temp", enter, "public", "The second half of a login"),
    ]


def _account(desk: Desk) -> Sequence[RouteSpec]:
    account = Account(desk, SecondFactor(desk))
    get, terms = desk.about(account.get), desk.about(account.terms)
    accept, delete = desk.personal(account.accept_terms), desk.personal(account.delete)
    return [
        RouteSpec("GET", "/api/user", get, summary="One's own account"),
        RouteSpec("GET", "/api/user/terms", terms, summary="Whether one has accepted the terms"),
        RouteSpec("POST", "/api/user/terms/accept", accept, summary="Accept the terms"),
        RouteSpec("DELETE", "/api/user/delete", delete, summary="Delete one's own account"),
    ]
