"""Pictures of agents: small ones are kept, and nothing that browsers could run."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import gateway_provider_agents as plugin
import pytest

from gateway import MOUNT, Agent, Inbound, Operation, Principal, Services, Settings, Store

ANN, BOB = Principal("usr_ann", "USER", "ann"), Principal("usr_bob", "USER", "bob")
PATH = "/api/agents/{id}/avatar"
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256))


def form(name: str, data: bytes) -> tuple[str, bytes]:
    head = f'--b\r\ncontent-disposition: form-data; name="{name}"; filename="a.png"\r\ncontent-type: image/png\r\n\r\n'
    return "multipart/form-data; boundary=b", head.encode() + data + b"\r\n--b--\r\n"


@pytest.mark.parametrize(
    ("who", "sent", "status"),
    [
        pytest.param(ANN, form("file", PNG), 201, id="form"),
        pytest.param(ANN, ("image/png", PNG), 201, id="alone"),
        pytest.param(BOB, ("image/png", PNG), 403, id="of-another"),
        pytest.param(ANN, ("image/png", b"<svg onload=alert(1)>"), 400, id="svg"),
        pytest.param(ANN, ("image/png", PNG + bytes(65536)), 413, id="large"),
        pytest.param(ANN, form("other", PNG), 400, id="no-file"),
    ],
)
async def test_a_small_picture_is_kept_with_its_agent(
    store: Store, gateway_services: Services, who: Principal, sent: tuple[str, bytes], status: int
) -> None:
    assert store.agents is not None
    await store.agents.put(Agent("agent_1", provider="echo", model="echo", author="usr_ann"))
    services = dataclasses.replace(gateway_services, store=store)
    [route] = [one for one in plugin.register_routes(Settings({}, {}, frozenset()), services) if one.path == PATH]

    async def receive() -> bytes:
        return sent[1]

    headers = {"content-type": sent[0]}
    inbound = Inbound(Operation("state", "POST", PATH), MOUNT, {"id": "agent_1"}, {}, headers, "", receive)
    answer = await route.handler(inbound, who)
    assert answer.status == status
    kept = await store.agents.get("agent_1")
    assert kept is not None
    avatar: Any = kept.extra.get("avatar")
    assert (avatar is not None) == (status == 201)
    if avatar is not None:
        assert avatar["filepath"].startswith("data:image/png;base64,iVBORw0KGgo")
        assert json.loads(answer.body)["avatar"] == avatar
