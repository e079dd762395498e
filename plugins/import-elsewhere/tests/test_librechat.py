"""A dump of LibreChat's becomes users, keys, agents and money; all of it is told, and a second time nothing happens."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from gateway_import_elsewhere.librechat.creds import Creds, Unreadable
from gateway_import_elsewhere.librechat.dump import Dump
from gateway_import_elsewhere.librechat.people import users
from imports_console import Console

from gateway import BadCall, RemotePermissions, Secret, vault_of
from gateway.actions import opened
from gateway.identity import REMOTE_AGENT
from gateway.ledger import Ledger
from gateway.logins import Login

Write = Callable[..., Path]
ANN, BOB, TEAM, INNER = (f"66b0a0a0a0a0a0a0a0a0a0a{digit}" for digit in "1234")
KEY = "sk-" + "ab" * 32
HASH = hashlib.sha256(KEY.encode()).hexdigest()
BCRYPT = "$2a$10$" + "a" * 53
SAID: dict[str, dict[str, bool]] = {"REMOTE_AGENTS": {"USE": True}, "AGENTS": {"CREATE": False}, "PROMPTS": {}}
AGENT = {
    "_id": {"$oid": INNER},
    "id": "agent_poet",
    "name": "Poet",
    "instructions": "Answer in verse.",
    "provider": "openAI",
    "model": "gpt-5.2",
    "model_parameters": {"temperature": 0.9},
    "author": {"$oid": ANN},
    "category": "general",
    "versions": [{"name": "Bard", "updatedAt": {"$date": "2025-01-02T03:04:05.678Z"}}],
    "tool_resources": {"file_search": {"file_ids": ["file_1"]}},
    "createdAt": {"$date": {"$numberLong": "1735787045678"}},
}


def oid(text: str) -> dict[str, str]:
    return {"$oid": text}


@pytest.fixture
def whole(dump: Write) -> Path:
    ann = {"_id": oid(ANN), "email": "Ann@X.org", "name": "Ann", "emailVerified": True, "role": "ADMIN"}
    bob = {"_id": oid(BOB), "email": "bob@x.org", "username": "bob", "openidId": "sub-1", "openidIssuer": "https://i"}
    entry = {"resourceType": "remoteAgent", "resourceId": oid(INNER), "permBits": 1, "grantedBy": oid(ANN)}
    return dump(
        users=[{**ann, "password": BCRYPT, "avatar": "a.png"}, {**bob, "idOnTheSource": "entra-7"}],
        groups=[{"_id": oid(TEAM), "name": "team", "memberIds": [ANN, "entra-7"]}],
        roles=[{"_id": oid("1"), "name": "USER", "permissions": SAID}],
        agentapikeys=[
            {"_id": oid("2"), "userId": oid(BOB), "name": "laptop", "keyHash": HASH, "keyPrefix": KEY[:8]},
            {"userId": oid(BOB), "keyHash": "cd" * 32, "expiresAt": {"$date": "2020-01-01T00:00:00Z"}},
            {"userId": oid("f" * 24), "keyHash": "ef" * 32, "keyPrefix": "sk-other"},
        ],
        agents=[AGENT],
        aclentries=[
            {"_id": oid("3"), **entry, "principalType": "group", "principalId": oid(TEAM)},
            {"_id": oid("4"), **entry, "principalType": "user", "principalId": oid(BOB), "permBits": 3},
            {"_id": oid("5"), **entry, "principalType": "public"},
            {"_id": oid("6"), **entry, "resourceType": "promptGroup", "principalType": "public"},
        ],
        balances=[{"_id": oid("7"), "user": oid(BOB), "tokenCredits": 1234.5}],
        transactions=[{"tokenType": "prompt", "context": "message", "tokenValue": -1000} for _ in range(3)],
        messages=[{"_id": oid("8")}, {"_id": oid("9")}],
    )


async def test_what_can_be_here_is_here(console: Console, whole: Path) -> None:
    assert console("librechat", whole).exit_code == 0
    async with console.store() as store:
        ann, bob = await store.users.find("ann@x.org"), await store.users.find("bob@x.org")
        assert ann
        assert bob
        assert store.identities
        assert store.agents
        assert store.grants
        assert store.roles
        assert store.groups
        assert (ann.role, ann.groups, bob.role, bob.groups) == ("ADMIN", ("team",), "USER", ("team",))
        assert await store.identities.find("librechat", ANN) == ann.id
        assert await store.identities.find("https://i", "sub-1") == bob.id
        role = await store.roles.get("USER")
        assert role
        assert role.remote_agents == RemotePermissions(use=True)
        assert role.agents == RemotePermissions(create=False)
        found = await store.keys.find(HASH)
        assert found
        assert (found[0].label, found[0].prefix, found[1].id) == ("laptop", KEY[:8], bob.id)
        assert len(await store.keys.list()) == 1
        agent, team = await store.agents.get("agent_poet"), await store.groups.find("team")
        assert agent
        assert team
        assert (agent.author, agent.instructions, agent.created) == (ann.id, "Answer in verse.", 1735787045.678)
        assert agent.versions == ({"name": "Bard", "updatedAt": "2025-01-02T03:04:05.678Z"},)
        assert agent.extra["category"] == "general"
        grants = await store.grants.list(REMOTE_AGENT, "agent_poet")
        assert {(g.principal, g.principal_id, g.bits) for g in grants} == {
            ("group", team.id, 1),
            ("user", bob.id, 3),
            ("public", "", 1),
        }
        assert isinstance(store.ledger, Ledger)
        [account] = await store.ledger.accounts()
        assert (account.owner, account.available) == (f"user:{bob.id}", 1_234_500)


def test_every_object_is_told_of(console: Console, whole: Path) -> None:
    told = console.json("librechat", whole)
    verdicts = Counter((one["what"], one["verdict"]) for one in told["objects"] if "." not in one["what"])
    assert verdicts == {
        ("roles", "carried"): 1,
        ("groups", "carried"): 1,
        ("users", "carried"): 2,
        ("logins", "carried"): 1,
        ("keys", "carried"): 1,
        ("keys", "dropped"): 2,
        ("agents", "carried"): 1,
        ("access", "carried"): 3,
        ("access", "dropped"): 1,
        ("balances", "carried"): 1,
        ("transactions", "dropped"): 1,
        ("messages", "dropped"): 1,
    }
    by_what = {one["what"]: one for one in told["objects"]}
    assert by_what["users.avatar"]["verdict"] == "dropped"
    assert by_what["agents.tool_resources"]["verdict"] == "changed"
    assert by_what["roles.permissions"]["id"] == "USER: PROMPTS"
    assert (by_what["transactions"]["count"], by_what["messages"]["count"]) == (3, 2)
    assert "-3,000 credits" in by_what["transactions"]["why"]
    assert all(one["why"] for one in told["objects"] if one["verdict"] in ("changed", "dropped"))


async def test_passwords_and_second_factors_are_kept(console: Console, dump: Write) -> None:
    console.environ["CREDS_KEY"] = CREDS_KEY
    codes = [{"codeHash": "12" * 32, "used": False}]
    ann = {"_id": oid(ANN), "email": "ann@x.org", "name": "Ann", "username": "ann", "password": BCRYPT}
    factor = {"totpSecret": encrypted(3, TOTP), "twoFactorEnabled": True, "backupCodes": codes, "emailVerified": True}
    folder = dump(users=[{**ann, **factor}, {"_id": oid(BOB), "email": "bob@x.org"}])
    assert ("logins", "ann@x.org", "carried") in console.objects("librechat", folder)
    assert ("logins", "ann@x.org", "known") in console.objects("librechat", folder)
    async with console.store() as store:
        user = await store.users.find("ann@x.org")
        assert user
        assert store.logins
        login = await store.logins.get(user.id)
        assert login
        assert login.totp
        assert (login.password.reveal(), login.name, login.username, login.verified) == (BCRYPT, "Ann", "ann", True)
        assert (login.two_factor, login.codes) == (True, ("12" * 32,))
        vault = vault_of(CREDS_KEY)
        assert vault
        assert vault.open(login.totp, f"{user.id}/totp").reveal() == TOTP


async def test_a_second_time_changes_nothing(console: Console, whole: Path) -> None:
    console("librechat", whole)
    async with console.store() as store:
        before = await store.users.list(), await store.keys.list(), await store.ledger.accounts()  # type: ignore[union-attr]
    told = console.objects("librechat", whole)
    assert {verdict for what, _, verdict in told if what in ("users", "groups", "roles", "agents", "balances")} == {
        "known"
    }
    assert not [one for one in told if one[2] == "carried"]
    async with console.store() as store:
        assert before == (await store.users.list(), await store.keys.list(), await store.ledger.accounts())  # type: ignore[union-attr]


async def test_a_dry_run_tells_the_same_and_changes_nothing(console: Console, whole: Path) -> None:
    dry = console.objects("librechat", whole, "--dry-run")
    async with console.store() as store:
        assert await store.users.count() == 0
        assert not await store.keys.list()
        assert store.agents
        assert not (await store.agents.list()).items
        assert store.ledger
        assert not await store.ledger.accounts()
    assert dry == console.objects("librechat", whole)


async def test_what_was_cut_off_goes_on(console: Console, whole: Path) -> None:
    """Also after `gateway keys import`, which names users by their ids in LibreChat, too."""
    async with console.store() as store:
        bare = await store.users.create(BOB)
        await store.keys.create(HASH, "sk-", "laptop", bare.id)
    told = console.objects("librechat", whole)
    assert ("users", "bob@x.org", "changed") in told
    async with console.store() as store:
        found = await store.users.get(bare.id)
        assert found
        assert (found.name, found.email, found.groups) == ("bob@x.org", "bob@x.org", ("team",))
        assert await store.users.count() == 2


async def test_only_a_verified_address_makes_somebody_the_same(console: Console, whole: Path) -> None:
    async with console.store() as store:
        ann = await store.users.create("boss", "ann@x.org")
        bob = await store.users.create("root", "bob@x.org", "ADMIN")
    told = console.objects("librechat", whole)
    assert {("users", "ann@x.org", "changed"), ("users", "bob@x.org", "changed")} <= set(told)
    async with console.store() as store:
        assert store.identities
        assert await store.identities.find("librechat", ANN) == ann.id
        same, other = await store.users.get(ann.id), await store.keys.find(HASH)
        assert same
        assert (same.name, same.role) == ("boss", "USER")
        assert other
        assert other[1].id != bob.id
        assert (other[1].role, other[1].email) == ("USER", "")


async def test_who_only_says_to_have_an_address_here_is_not_the_one_who_has_shown_it_there(
    console: Console, whole: Path
) -> None:
    async with console.store() as store:
        assert store.logins
        thief = await store.logins.register("ann@x.org", Login("", Secret("$2b$10$hash")), founders=())
    console("librechat", whole)
    async with console.store() as store:
        assert store.identities
        ann = await store.identities.find("librechat", ANN)
        assert ann
        assert ann != thief


async def test_another_amount_under_the_same_balance_is_not_granted(console: Console, whole: Path, dump: Write) -> None:
    console("librechat", whole)
    dump(balances=[{"_id": oid("7"), "user": oid(BOB), "tokenCredits": 99}])
    assert ("balances", BOB, "dropped") in console.objects("librechat", whole)


def packed(kind: str, folder: Path) -> Path:
    target = folder.with_suffix(f".{kind}")
    if kind == "zip":
        with zipfile.ZipFile(target, "w") as archive:
            archive.write(folder / "users.json", "dump/users.json")
    elif kind == "gz":
        target = folder
        (folder / "users.json.gz").write_bytes(gzip.compress((folder / "users.json").read_bytes()))
        (folder / "users.json").unlink()
    else:
        with tarfile.open(target, "w:gz") as archive:
            archive.add(folder / "users.json", "dump/LibreChat.users.json")
    return target


@pytest.mark.parametrize("kind", ["zip", "tar.gz", "gz"])
def test_archives_are_read(dump: Write, kind: str) -> None:
    place = packed(kind, dump(users=[{"_id": oid(ANN)}, {"_id": oid(BOB)}]))
    assert [one["_id"] for one in Dump(place).documents("users")] == [ANN, BOB]


@pytest.mark.parametrize(
    ("name", "text", "why"),
    [
        ("users.json", '{"_id": 1}\n{"_id": \n', "users.json: line "),
        ("users.json", "7", "users.json: entry 1 is '7', and no object"),
        ("readme.txt", "hello", "holds no collection"),
        ("users.json.gz", "no gzip", "cannot be read"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_imported(
    console: Console, tmp_path: Path, name: str, text: str, why: str
) -> None:
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / name).write_text(text)
    done = console("librechat", tmp_path / "wrong")
    assert done.exit_code == 1
    assert why in done.output


CREDS_KEY, CREDS_IV, TOTP = "ab" * 32, "cd" * 16, "JBSWY3DPEHPK3PXP"


def encrypted(version: int, text: str) -> str:
    key, iv = bytes.fromhex(CREDS_KEY), os.urandom(16) if version > 1 else bytes.fromhex(CREDS_IV)
    data = text.encode()
    if version < 3:
        padder = padding.PKCS7(128).padder()
        data = padder.update(data) + padder.finalize()
    mode: Any = modes.CTR(iv) if version == 3 else modes.CBC(iv)
    cipher = Cipher(algorithms.AES(key), mode).encryptor()
    sealed = (cipher.update(data) + cipher.finalize()).hex()
    return {1: sealed, 2: f"{iv.hex()}:{sealed}", 3: f"v3:{iv.hex()}:{sealed}"}[version]


@pytest.mark.parametrize("version", [1, 2, 3])
def test_what_librechat_encrypted_is_read(version: int) -> None:
    assert Creds(CREDS_KEY, CREDS_IV).read(encrypted(version, TOTP)).reveal() == TOTP
    with pytest.raises(Unreadable, match="CREDS_KEY is not set"):
        Creds(None, CREDS_IV).read(encrypted(version, TOTP))


@pytest.mark.parametrize(
    ("key", "kept", "why"),
    [
        (CREDS_KEY, encrypted(3, TOTP), None),
        (CREDS_KEY, TOTP, None),
        (None, encrypted(3, TOTP), "CREDS_KEY is not set"),
        ("00" * 32, encrypted(2, TOTP), "another than that"),
        ("00" * 32, encrypted(3, TOTP), "another than that"),
        (CREDS_KEY, "v3:zz:zz", "not in a form"),
    ],
    ids=["read", "plain", "no key", "another key, older form", "another key", "no form"],
)
def test_a_second_factor_is_carried_where_it_can_be_read(key: str | None, kept: str, why: str | None) -> None:
    codes = [{"codeHash": "12" * 32, "used": False}, {"codeHash": "34" * 32, "used": True}]
    document = {"_id": ANN, "email": "a@x", "totpSecret": kept, "twoFactorEnabled": True, "backupCodes": codes}
    notes: list[Any] = []
    [user] = users([document], {}, Creds(key, None), notes)
    assert user.login is not None
    if why is None:
        assert user.login.totp == Secret(TOTP)
        assert user.login.codes == ("12" * 32,)
        assert not notes
    else:
        assert (user.login.totp, user.login.codes) == (None, ())
        assert [(one.what, why in one.why) for one in notes] == [("users.totpSecret", True)]


def test_a_key_that_is_no_hex_is_refused() -> None:
    with pytest.raises(ValueError, match="CREDS_KEY must be 64 hex digits"):
        Creds("secret", None)
    with pytest.raises(BadCall, match="neither a folder nor an archive"):
        Dump(Path(__file__))


async def test_actions_come_with_their_keys_sealed_anew(console: Console, dump: Write) -> None:
    console.environ.update(CREDS_KEY=CREDS_KEY, CREDS_IV=CREDS_IV)
    auth = {"type": "service_http", "authorization_type": "bearer", "custom_auth_header": None}
    said = {"domain": "api.example.com", "raw_spec": "{}", "auth": auth, "api_key": encrypted(2, "the-key")}
    folder = dump(
        users=[{"_id": oid(ANN), "email": "ann@x.org", "name": "Ann"}],
        agents=[AGENT],
        actions=[
            {"action_id": "act_1", "agent_id": "agent_poet", "user": oid(ANN), "metadata": said},
            {"action_id": "act_2", "assistant_id": "asst_1", "user": oid(ANN), "metadata": said},
            {"action_id": "act_3", "agent_id": "agent_gone", "user": oid(ANN), "metadata": said},
        ],
    )
    told = [one for one in console.objects("librechat", folder) if one[0] == "actions"]
    assert sorted(told) == [
        ("actions", "act_1", "carried"),
        ("actions", "act_2", "dropped"),
        ("actions", "act_3", "dropped"),
    ]
    assert ("actions", "act_1", "known") in console.objects("librechat", folder)
    vault = vault_of(CREDS_KEY)
    assert vault
    async with console.store() as store:
        assert store.resources
        [kept] = await store.resources.list("action")
        action, ann = opened(kept, vault), await store.users.find("ann@x.org")
        assert ann
        assert (action.id, action.agent, action.user) == ("act_1", "agent_poet", ann.id)
        assert action.metadata.api_key.reveal() == "the-key"
