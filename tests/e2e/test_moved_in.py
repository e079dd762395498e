"""Who comes from LibreChat finds everything as it was: the password, the key, the agent, and the money."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import bcrypt
import openai
import pytest
from books import eventually

from gateway.testing import installed
from gateway.testing.running import RunningGateway

ANN, AGENT = "66b0a0a0a0a0a0a0a0a0a0a1", "66b0a0a0a0a0a0a0a0a0a0a2"
KEY, PASSWORD, CREDITS = "sk-" + "ab" * 32, "as it ever was", 5_000_000
SECRETS = {"JWT_SECRET": "a secret of the tests, " * 2, "JWT_REFRESH_SECRET": "another secret of the tests, " * 2}
CONFIG = {"version": "1.3.17", "balance": {"enabled": True, "startBalance": 7}}


def dumped(folder: Path, **collections: Any) -> Path:
    """As `mongoexport` writes them."""
    folder.mkdir()
    for name, document in collections.items():
        (folder / f"{name}.json").write_text(json.dumps(document) + "\n")
    return folder


@pytest.fixture
def dump(tmp_path: Path) -> Path:
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    owner = {"$oid": ANN}
    return dumped(
        tmp_path / "dump",
        users={"_id": owner, "email": "ann@example.org", "username": "ann", "password": hashed, "emailVerified": True},
        roles={"_id": {"$oid": "1" * 24}, "name": "USER", "permissions": {"REMOTE_AGENTS": {"USE": True}}},
        agentapikeys={"userId": owner, "keyHash": hashlib.sha256(KEY.encode()).hexdigest(), "keyPrefix": KEY[:8]},
        agents={"_id": {"$oid": AGENT}, "id": "agent_poet", "provider": "echo", "model": "echo", "author": owner},
        balances={"_id": {"$oid": "3" * 24}, "user": owner, "tokenCredits": CREDITS},
    )


def test_password_key_agent_and_balance_of_librechat_work_here(
    tmp_path: Path, dump: Path, operate: Callable[..., str], calling: Callable[..., Any]
) -> None:
    missing = {"store-sql", "auth-jwt", "import-elsewhere", "permission-balance"} - installed.plugins().keys()
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    with RunningGateway(tmp_path, json.dumps(CONFIG), environ=SECRETS) as gateway:
        told = json.loads(operate(gateway, "import", "librechat", str(dump), "--json"))
        assert {one["verdict"] for one in told["objects"]} <= {"carried", "changed"}
        login = calling(gateway.url).post("/api/auth/login", {"email": "ann@example.org", "password": PASSWORD})
        assert login.status == 200
        assert login.json["user"]["email"] == "ann@example.org"
        assert calling(gateway.url, login.json["token"]).get("/api/balance").json["tokenCredits"] == CREDITS
        hers = calling(gateway.url, KEY)
        asked = {"model": "agent_poet", "messages": [{"role": "user", "content": "Hi"}]}
        eventually(lambda: hers.post("/api/agents/v1/chat/completions", asked).status == 200)
        with openai.OpenAI(base_url=f"{gateway.url}/api/agents/v1", api_key=KEY, max_retries=0) as client:
            assert "agent_poet" in [model.id for model in client.models.list()]
            said = client.chat.completions.create(model="agent_poet", messages=[{"role": "user", "content": "Hi"}])
        assert said.choices[0].message.content
        eventually(lambda: 0 < CREDITS - hers.get("/api/balance").json["tokenCredits"] < 1000)
