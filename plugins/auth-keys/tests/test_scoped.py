"""Keys with scopes: from where, in which dialect, for which agents and models; and lists that show the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import msgspec
import pytest
from gateway_auth_keys.authenticator import KeyAuthenticator
from gateway_auth_keys.cache import KeyCache
from gateway_auth_keys.scoped import ScopePermission, refuse_elsewhere

from gateway import (
    Edit,
    Exchange,
    Forbidden,
    Inbound,
    Model,
    Operation,
    Principal,
    Route,
    Scopes,
    ServerDialect,
    Store,
    Target,
)

TEXT = "sk-" + "0123456789abcdef" * 4
MODELS = (
    Model("agent_1", "One", owner="agents", agent=True),
    Model("agent_2", "Two", owner="agents", agent=True),
    Model("openAI/gpt-4o", "gpt-4o", owner="openAI"),
    Model("openAI/gpt-4o-mini", "gpt-4o-mini", owner="openAI"),
    Model("Other/gpt-4o", "gpt-4o", owner="Other"),
    Model("fast", "fast", owner="gateway"),
)


class Speaker:
    name = "openai-chat"


def target(endpoint: str, model: str) -> Target:
    return cast("Target", msgspec.defstruct("Aim", [("endpoint", str), ("model", str)])(endpoint, model))


def route_of(model: Model) -> Route:
    endpoint = "openAI" if model.agent or "/" not in model.id else model.owner
    return Route(model.id, (target(endpoint, "m"),), Edit("m"), agent=model.id if model.agent else "")


def asked(inbound: Inbound, scopes: Scopes | None, model: Model | None, kind: Any = "generate") -> Exchange:
    principal = Principal("u", scopes=scopes)
    inbound.operation = Operation(kind, "POST", "/x")
    route = None if model is None else route_of(model)
    return Exchange(inbound, cast("ServerDialect", Speaker()), principal=principal, route=route)


async def refusal(exchange: Exchange) -> str:
    """Empty where it is let through."""
    try:
        await ScopePermission().check(exchange, None)
    except Forbidden as error:
        return f"{error.status}: {error.public}"
    return ""


@pytest.mark.parametrize(
    ("scopes", "shown"),
    [
        (None, "agent_1 agent_2 openAI/gpt-4o openAI/gpt-4o-mini Other/gpt-4o fast"),
        (Scopes(agents=("agent_1",)), "agent_1"),
        (Scopes(agents=("agent_*",), models=("fast",)), "agent_1 agent_2 fast"),
        (Scopes(models=("openAI/*",)), "openAI/gpt-4o openAI/gpt-4o-mini"),
        (Scopes(models=("gpt-4o",)), "openAI/gpt-4o Other/gpt-4o"),
        (Scopes(models=("*",)), "openAI/gpt-4o openAI/gpt-4o-mini Other/gpt-4o fast"),
        (Scopes(agents=("nothing",)), ""),
        (Scopes(dialects=("openai-chat",)), "agent_1 agent_2 openAI/gpt-4o openAI/gpt-4o-mini Other/gpt-4o fast"),
    ],
)
async def test_lists_show_what_may_be_called(inbound: Inbound, scopes: Scopes | None, shown: str) -> None:
    principal = Principal("u", scopes=scopes)
    listed = [model.id for model in MODELS if ScopePermission().visible(inbound, principal, model)]
    called = [model.id for model in MODELS if not await refusal(asked(inbound, scopes, model))]
    assert listed == called == shown.split()


async def test_a_refusal_says_what_the_key_may_not_do_and_what_it_is_for(inbound: Inbound) -> None:
    scopes = Scopes(agents=("agent_1",), models=("openAI/*", "fast"))
    [agent] = [model for model in MODELS if model.id == "agent_2"]
    [raw] = [model for model in MODELS if model.id == "Other/gpt-4o"]
    what = "it is for the agents agent_1 and the models openAI/*, fast."
    assert await refusal(asked(inbound, scopes, agent)) == f"403: This key may not call the agent agent_2; {what}"
    assert await refusal(asked(inbound, scopes, raw)) == f"403: This key may not call the model Other/gpt-4o; {what}"


async def test_a_dialect_is_refused_for_calls_and_counts_but_not_for_lists(inbound: Inbound) -> None:
    scopes = Scopes(dialects=("gemini", "open-responses"))
    for kind in ("generate", "count", "media"):
        said = await refusal(asked(inbound, scopes, MODELS[0], kind))
        assert said == "403: This key may not be used with the API openai-chat; it is for gemini, open-responses."
    assert not await refusal(asked(inbound, scopes, None, "models"))
    assert not await refusal(asked(inbound, Scopes(dialects=("openai-chat",)), MODELS[0]))


@pytest.mark.parametrize(
    ("networks", "peer", "allowed"),
    [
        (("192.0.2.0/24",), "192.0.2.7", True),
        (("192.0.2.0/24",), "192.0.3.7", False),
        (("192.0.2.0/24",), "::ffff:192.0.2.7", True),
        (("192.0.2.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("2001:db8::/32",), "192.0.2.7", False),
        (("0.0.0.0/0",), "::1", False),
        (("::/0",), "fe80::1%eth0", True),
        (("::/0", "0.0.0.0/0"), "", False),
        (("::/0", "0.0.0.0/0"), "not an address", False),
    ],
)
def test_a_network_is_where_requests_may_come_from(networks: tuple[str, ...], peer: str, allowed: bool) -> None:
    if allowed:
        return refuse_elsewhere(networks, peer)
    with pytest.raises(Forbidden, match="may not be used from the address") as caught:
        refuse_elsewhere(networks, peer)
    assert caught.value.code == "address_not_allowed"
    assert networks[0] not in caught.value.public
    return None


async def test_the_address_is_asked_at_each_use_and_a_refused_one_is_no_use(
    store: Store, inbound: Inbound, shown: Callable[[str], Any], add_key: Any
) -> None:
    await add_key(store, TEXT, scopes=Scopes(networks=("192.0.2.0/24",)))
    cache = KeyCache()
    authenticator = KeyAuthenticator(store, cache, lambda: 1000.0)
    for proven in (False, True):
        if proven:
            cache.prove(cache.clock())
        elsewhere = msgspec.structs.replace(inbound, peer="198.51.100.1")
        with pytest.raises(Forbidden):
            await authenticator.authenticate(elsewhere, shown(TEXT))
    await store.usage.flush()
    assert (await store.keys.list())[0].last_used is None
    principal = await authenticator.authenticate(inbound, shown(TEXT))
    assert principal is not None
    assert principal.scopes is None, "where it came from is settled, so nothing is left to ask on the way"


async def test_a_principal_carries_what_is_left_to_ask(
    store: Store, inbound: Inbound, shown: Callable[[str], Any], add_key: Any
) -> None:
    scopes = Scopes(models=("openAI/*",))
    await add_key(store, TEXT, scopes=scopes)
    principal = await KeyAuthenticator(store, KeyCache(), lambda: 1000.0).authenticate(inbound, shown(TEXT))
    assert principal is not None
    assert principal.scopes == scopes
