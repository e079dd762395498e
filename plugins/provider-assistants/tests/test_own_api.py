"""OpenAI's own SDK on its Assistants API, and LibreChat's routes: each user's threads and assistants are apart."""

import asyncio
import hashlib
import json

import aiohttp
import openai
import pytest
import pytest_asyncio
from assistants_stand_in import KEY, StandIn

from gateway import RemotePermissions, Role
from gateway.testing import installed
from gateway.testing.running import RunningGateway
from gateway.testing.stores import store_in

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
KEYS = {name: f"sk-{number:064x}" for number, name in enumerate(("ada", "bob", "eve"), 5)}
CONFIG = """
version: "1.3.17"
endpoints: {assistants: {excludedIds: [asst_three]}}
gateway: {models: {allow: {roles: [USER]}}}
"""


async def fill(store):
    await store.open()
    await store.roles.put(Role("USER", RemotePermissions(use=True)))
    for name, text in KEYS.items():
        user = await store.users.create(name, role="GUEST" if name == "eve" else "USER")
        await store.keys.create(hashlib.sha256(text.encode()).hexdigest(), text[:8], name, user.id)
    await store.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def far():
    async with StandIn() as far:
        yield far


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(far, tmp_path_factory):
    if "store-sql" not in installed.plugins():
        pytest.skip("plugins/store-sql is not installed")
    directory = tmp_path_factory.mktemp("own")
    await fill(store_in(directory / "state"))
    environ = {"ASSISTANTS_API_KEY": KEY, "ASSISTANTS_BASE_URL": far.url, "CREDS_KEY": "ab" * 32}
    running = RunningGateway(directory, CONFIG, "--workers", "2", environ=environ)
    await asyncio.to_thread(running.__enter__)
    yield running
    await asyncio.to_thread(running.stop)
    assert KEY not in running.printed


def sdk(gateway, name):
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEYS[name], max_retries=0)


@pytest_asyncio.fixture(loop_scope="module")
async def ada(gateway):
    async with sdk(gateway, "ada") as client:
        yield client.beta


@pytest_asyncio.fixture(loop_scope="module")
async def bob(gateway):
    async with sdk(gateway, "bob") as client:
        yield client.beta


def user(text):
    return [{"role": "user", "content": text}]


def of_threads(far):
    return [one for one in far.asked if one[1].startswith("/v1/threads")]


async def used(gateway):
    """Of the last exchange: input and output tokens, and the user's own label of the key."""
    store = store_in(gateway.directory / "state")
    await store.open()
    try:
        for _ in range(200):
            found = [one for one in await store.usage.records() if one.outcome == "complete"]
            if found:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError("no record")
    finally:
        await store.close()


async def test_a_thread_is_its_users_alone(ada, bob, far):
    thread = await ada.threads.create(messages=user("Hi"))
    await ada.threads.messages.create(thread.id, role="user", content="How are you?")
    said = await ada.threads.messages.list(thread.id)
    assert [one.content[0].text.value for one in said.data][-1] == "How are you?"
    asked = len(of_threads(far))
    for call in (
        bob.threads.retrieve(thread.id),
        bob.threads.messages.list(thread.id),
        bob.threads.messages.create(thread.id, role="user", content="x"),
        bob.threads.runs.create(thread.id, assistant_id="asst_one"),
        bob.threads.runs.retrieve("run_1", thread_id=thread.id),
        bob.threads.delete(thread.id),
        ada.threads.retrieve("thread_of_nobody"),
    ):
        with pytest.raises(openai.NotFoundError):
            await call
    assert len(of_threads(far)) == asked
    assert (await ada.threads.delete(thread.id)).deleted
    with pytest.raises(openai.NotFoundError):
        await ada.threads.retrieve(thread.id)


async def test_runs_are_waited_for_or_streamed_and_their_usage_is_recorded(ada, gateway):
    run = await ada.threads.create_and_run(assistant_id="asst_one", thread={"messages": user("Hi")})
    assert (run.status, run.usage.total_tokens, run.assistant_id) == ("completed", 10, "asst_one")
    more = {"assistant_id": "asst_one", "additional_messages": user("B")}
    again = await ada.threads.runs.create_and_poll(thread_id=run.thread_id, **more)
    assert again.status == "completed"
    words = []
    stream = await ada.threads.runs.create(run.thread_id, assistant_id="asst_one", stream=True)
    names = []
    async for event in stream:
        names.append(event.event)
        if event.event == "thread.message.delta":
            words.append(event.data.delta.content[0].text.value)
    assert names[-1] == "thread.run.completed"
    assert "".join(words) == "You said: B (2)"
    for _ in range(200):
        if len(records := await used(gateway)) == 3:
            break
        await asyncio.sleep(0.05)
    assert {(one.usage.input, one.usage.output, one.endpoint, one.model_served) for one in records} == {
        (7, 3, "assistants", "asst_one")
    }


async def test_a_run_that_waits_for_tools_is_gone_on_with_by_its_user_alone(ada, bob):
    run = await ada.threads.create_and_run(assistant_id="asst_one", thread={"messages": user("tool")})
    assert run.status == "requires_action"
    calls = run.required_action.submit_tool_outputs.tool_calls
    outputs = [{"tool_call_id": call.id, "output": "well"} for call in calls]
    with pytest.raises(openai.NotFoundError):
        await bob.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)
    done = await ada.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)
    assert (done.id, done.status) == (run.id, "completed")
    with pytest.raises(openai.NotFoundError):
        await ada.threads.runs.submit_tool_outputs(run.id, thread_id=run.thread_id, tool_outputs=outputs)


async def test_an_assistant_that_a_user_made_is_nobody_elses_in_any_dialect(ada, bob, gateway):
    made = await ada.assistants.create(model="gpt-4o", instructions="Secret.")
    assert (await ada.assistants.retrieve(made.id)).instructions == "Secret."
    run = await ada.threads.create_and_run(assistant_id=made.id, model="gpt-5", thread={"messages": user("Hi")})
    assert run.status == "completed"

    async def unknown():
        try:
            await bob.assistants.retrieve(made.id)
        except openai.NotFoundError:
            return True
        return False

    for _ in range(4):  # both workers
        for _ in range(100):
            if await unknown():
                break
            await asyncio.sleep(0.05)
        else:
            raise AssertionError("the other worker tells it")
    assert made.id not in [one.id for one in (await bob.assistants.list()).data]
    with pytest.raises(openai.NotFoundError):
        await bob.threads.create_and_run(assistant_id=made.id, thread={"messages": user("Hi")})
    async with sdk(gateway, "bob") as client:
        with pytest.raises(openai.NotFoundError):
            await client.chat.completions.create(model=f"assistants/{made.id}", messages=user("Hi"))
    assert (await ada.assistants.delete(made.id)).deleted


async def test_the_operators_assistants_can_be_run_and_not_read_or_changed(ada):
    found = {one.id: one for one in (await ada.assistants.list()).data}
    assert {"asst_one", "asst_two"} <= set(found)
    assert "asst_three" not in found
    assert (found["asst_one"].instructions, found["asst_one"].name) == (None, "asst_one")
    assert "Secret" not in json.dumps((await ada.assistants.retrieve("asst_one")).to_dict())
    for call in (
        ada.assistants.update("asst_one", instructions="Other."),
        ada.assistants.delete("asst_one"),
        ada.threads.create_and_run(assistant_id="asst_one", instructions="Other.", thread={"messages": user("Hi")}),
        ada.threads.create_and_run(assistant_id="asst_one", model="o1-pro", thread={"messages": user("Hi")}),
    ):
        with pytest.raises(openai.PermissionDeniedError):
            await call


async def test_who_may_not_call_models_by_themselves_has_no_assistants(gateway, far):
    asked = len(of_threads(far))
    async with sdk(gateway, "eve") as client:
        eve = client.beta
        for call in (
            eve.assistants.list(),
            eve.assistants.retrieve("asst_one"),
            eve.assistants.create(model="gpt-4o"),
            eve.threads.create(),
            eve.threads.create_and_run(assistant_id="asst_one", thread={"messages": user("Hi")}),
        ):
            with pytest.raises(openai.PermissionDeniedError):
                await call
    assert len(of_threads(far)) == asked


async def test_what_is_not_served_is_refused_in_words(ada, far):
    asked = len(far.asked)
    part = [{"type": "image_file", "image_file": {"file_id": "file-of-somebody"}}]
    with pytest.raises(openai.BadRequestError, match="Files and vector stores"):
        await ada.threads.create(messages=[{"role": "user", "content": part}])
    with pytest.raises(openai.BadRequestError, match="no assistant"):
        await ada.threads.create_and_run(assistant_id="gpt-4o", thread={"messages": user("Hi")})
    with pytest.raises(openai.NotFoundError):
        await ada.threads.create_and_run(assistant_id="asst_three", thread={"messages": user("Hi")})
    assert [one for one in far.asked[asked:] if one[0] == "POST"] == []


@pytest_asyncio.fixture(loop_scope="module")
async def librechat(gateway):
    """As LibreChat's client: who, method, path behind /api/assistants, body."""

    async with aiohttp.ClientSession(gateway.url) as session:

        async def ask(who, method, path, body=None):
            headers = {"authorization": f"Bearer {KEYS[who]}"}
            async with session.request(method, f"/api/assistants/{path}", json=body, headers=headers) as reply:
                return reply.status, await reply.json()

        yield ask


OWN = {
    "endpoint": "assistants",
    "name": "Mine",
    "model": "gpt-4o",
    "instructions": "Be kind.",
    "tools": [{"type": "code_interpreter"}],
    "conversation_starters": ["Hello?"],
    "append_current_datetime": False,
}


@pytest.mark.parametrize("version", ["v1", "v2"])
async def test_librechats_client_makes_changes_and_deletes_an_assistant(librechat, far, version):
    status, made = await librechat("ada", "POST", version, OWN)
    assert (status, made["name"], made["conversation_starters"]) == (201, "Mine", ["Hello?"])
    assert far.calls("POST", "/assistants")[-1][3] == {
        "name": "Mine",
        "model": "gpt-4o",
        "instructions": "Be kind.",
        "tools": [{"type": "code_interpreter"}],
        "metadata": {"author": made["metadata"]["author"], "endpoint": "assistants"},
    }
    one = f"{version}/{made['id']}?endpoint=assistants"
    [document] = (await librechat("ada", "GET", f"{version}/documents?endpoint=assistants"))[1]
    assert (document["assistant_id"], document["conversation_starters"]) == (made["id"], ["Hello?"])
    assert (await librechat("bob", "GET", f"{version}/documents?endpoint=assistants"))[1] == []
    change = {"endpoint": "assistants", "instructions": "Be brief.", "conversation_starters": []}
    status, changed = await librechat("ada", "PATCH", one, change)
    assert (status, changed["instructions"], changed["conversation_starters"]) == (200, "Be brief.", [])
    assert (await librechat("ada", "GET", one))[1]["instructions"] == "Be brief."
    for call in (("PATCH", change), ("DELETE", None)):
        assert (await librechat("bob", call[0], one, call[1]))[0] in (403, 404)
    assert (await librechat("ada", "DELETE", one)) == (
        200,
        {"id": made["id"], "object": "assistant.deleted", "deleted": True},
    )
    assert (await librechat("ada", "GET", f"{version}/documents"))[1] == []


async def test_librechats_client_is_given_all_pages_and_no_more_of_the_operators_than_others(librechat):
    status, listed = await librechat("ada", "GET", "v2?endpoint=assistants&limit=1&order=asc")
    found = {one["id"]: one for one in listed["data"]}
    assert (status, set(found), listed["has_more"]) == (200, {"asst_one", "asst_two"}, False)
    assert found["asst_one"]["instructions"] is None
    assert await librechat("ada", "GET", "v2/tools?endpoint=assistants") == (200, [])
    assert (await librechat("ada", "PATCH", "v2/asst_one", {"instructions": "Other."}))[0] == 403
    assert (await librechat("ada", "GET", "v2/asst_three"))[0] == 404
    assert (await librechat("eve", "GET", "v2?endpoint=assistants"))[0] == 403
    assert (await librechat("eve", "POST", "v2", OWN))[0] == 403


async def test_version_1_has_its_own_words_for_tools_and_files(librechat, far):
    body = {**OWN, "tools": [{"type": "retrieval"}], "file_ids": []}
    status, made = await librechat("ada", "POST", "v1", body)
    assert (status, far.calls("POST", "/assistants")[-1][3]["tools"], made["tools"]) == (
        201,
        [{"type": "file_search"}],
        [{"type": "retrieval"}],
    )
    assert made["file_ids"] == []
    assert "file_ids" not in far.calls("POST", "/assistants")[-1][3]
    assert (await librechat("ada", "DELETE", f"v1/{made['id']}"))[0] == 200


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        pytest.param("v2/chat", {}, "/v1/threads/runs", id="chat"),
        pytest.param("v2", {**OWN, "endpoint": "azureAssistants"}, "azureAssistants", id="endpoint"),
        pytest.param("v2", {**OWN, "tools": ["dalle"]}, "dalle", id="tool"),
        pytest.param("v1", {**OWN, "file_ids": ["file-x"]}, "Files", id="file"),
        pytest.param("v2", {**OWN, "conversation_starters": "x"}, "conversation_starters", id="starters"),
    ],
)
async def test_what_librechats_client_cannot_have_is_refused_in_words(librechat, far, path, body, words):
    asked = len(far.calls("POST", ""))
    status, told = await librechat("ada", "POST", path, body)
    assert status in (400, 422)
    assert words in json.dumps(told)
    assert len(far.calls("POST", "")) == asked
