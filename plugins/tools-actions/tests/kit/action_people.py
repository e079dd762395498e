"""Users with keys, and agents of their own that call the tools they have."""

from __future__ import annotations

import hashlib

from gateway import Agent, RemotePermissions, Role, Store

KEYS = {name: f"sk-{number:064x}" for number, name in enumerate(("ada", "bob"), 3)}


async def fill(store: Store) -> None:
    await store.open()
    assert store.roles is not None
    assert store.agents is not None
    await store.roles.put(Role("USER", RemotePermissions(use=True)))
    for name, text in KEYS.items():
        user = await store.users.create(name)
        await store.keys.create(hashlib.sha256(text.encode()).hexdigest(), text[:8], name, user.id)
        for agent in (f"agent_{name}", f"agent_other_{name}"):
            await store.agents.put(Agent(agent, provider="echo", model="echo-tools", author=user.id))
    await store.close()
