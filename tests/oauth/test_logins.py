"""Logins that are kept in a real store: what an address that invites to one is good for."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway import Egress, Services, Unavailable
from gateway.oauth import Authority, LoginFailed, Logins, NotLoggedIn, Site, Terms, page
from gateway.provider import Timeouts
from gateway.testing.stores import store_in
from gateway.upstream import HttpUpstream
from gateway.vault import KeyVault

SITE = Site("s", "https://api.example", Terms(client_id="c"), {}, "https://gateway.example/callback")
AUTHORITY = Authority("", "https://login.example/in?tenant=t", "https://login.example/token", "", scope="a b")


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest_asyncio.fixture
async def services(tmp_path: Path) -> AsyncIterator[Services]:
    store, upstream = store_in(tmp_path), HttpUpstream(Egress(), Timeouts())
    await store.open()
    vault = KeyVault(bytes(range(32)))
    yield Services(upstream, Egress(), store, Clock(), logging.getLogger("gateway.plugin"), vault=vault)
    await upstream.close()
    await store.close()


async def test_an_invitation_is_for_an_hour_and_for_its_kind_of_sites(services: Services) -> None:
    logins = Logins("one", services)
    text = logins.invitation("u1", SITE, "Ada")
    assert (logins.invited(text).user, logins.invited(text).site) == ("u1", "s")
    with pytest.raises(LoginFailed, match="no answer"):
        Logins("other", services).invited(text)
    with pytest.raises(LoginFailed, match="no answer"):
        logins.opened(text)
    services.clock.now += 3600
    with pytest.raises(LoginFailed, match="too old"):
        logins.invited(text)


async def test_a_login_whose_site_is_another_one_meanwhile_comes_to_nothing(services: Services) -> None:
    logins = Logins("one", services)
    user = await services.store.users.create("ada")
    url = await logins.begin(user.id, SITE, AUTHORITY, "browser")
    assert url.startswith("https://login.example/in?tenant=t&response_type=code&client_id=c&")
    state = url.partition("state=")[2].partition("&")[0]
    elsewhere = Site("s", "https://evil.example", SITE.terms, {}, SITE.redirect_uri)
    with pytest.raises(LoginFailed, match="has ended"):
        await logins.finish(elsewhere, {"state": state, "code": "x"}, "browser")
    with pytest.raises(NotLoggedIn):
        await logins.token(user.id, elsewhere)


async def test_without_an_address_for_browsers_or_a_store_nobody_is_invited(services: Services) -> None:
    with pytest.raises(Unavailable, match="DOMAIN_SERVER"):
        Logins("one", services).invitation("u1", Site("s", "https://api.example"), "Ada")
    bare = Services(services.upstream, Egress(), None, services.clock, services.log, vault=services.vault)
    with pytest.raises(Unavailable, match="no store"):
        Logins("one", bare).invitation("u1", SITE, "Ada")


def test_what_a_page_says_is_no_markup() -> None:
    answer = page("<b>", "<script>", button="<i>")
    assert not [tag for tag in (b"<b>", b"<script>", b"<i>") if tag in answer.body]
