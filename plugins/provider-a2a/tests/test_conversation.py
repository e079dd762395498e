"""Ids that bring a caller back to its context, and nobody else's."""

import uuid

import pytest
from gateway_provider_a2a.conversation import Thread, Threads
from msgspec import Raw

from gateway import Call, NotFound, Principal, State

ADA, BOB = Principal("ada"), Principal("bob")
CONTEXT, TASK = str(uuid.UUID(int=7)), str(uuid.UUID(int=8))


def going_on(name):
    return Call("m", state=State(previous_response_id=name))


@pytest.mark.parametrize("thread", [Thread(CONTEXT), Thread(CONTEXT, TASK)], ids=["context", "task"])
def test_an_id_comes_back_as_its_thread(thread):
    threads = Threads("far", "key")
    name = threads.write(thread, ADA)
    assert threads.of(going_on(name), ADA) == thread
    assert len(name.removeprefix("resp_")) <= 52, "longer ones become digests on their way to a Responses client"


def test_an_id_is_its_callers_and_its_agents():
    threads = Threads("far", "key")
    name = threads.write(Thread(CONTEXT), ADA)
    for others, who in ((threads, BOB), (Threads("near", "key"), ADA), (Threads("far", "other key"), ADA)):
        with pytest.raises(NotFound):
            others.of(going_on(name), who)


@pytest.mark.parametrize(
    "change", [lambda name: name[:-1] + "!", lambda name: name[:-4], lambda name: "resp_aé", lambda name: "x" * 5000]
)
def test_a_forged_id_is_unknown(change):
    threads = Threads("far", "key")
    with pytest.raises(NotFound):
        threads.of(going_on(change(threads.write(Thread(CONTEXT), ADA))), ADA)


def test_ids_of_another_form_are_not_offered():
    threads = Threads("far", "")
    assert threads.write(Thread("ctx-1", TASK), ADA) is None
    assert threads.write(Thread(None, TASK), ADA) is None


def test_a_conversation_that_is_named_is_one_context_of_its_caller():
    threads = Threads("far", "key")
    by_state, by_member = Call("m", state=State(conversation="c")), Call("m", extra={"conversation_id": Raw(b'"c"')})
    assert threads.of(by_state, ADA) == threads.of(by_member, ADA)
    assert threads.of(by_state, ADA) != threads.of(by_state, BOB)
    assert uuid.UUID(threads.of(by_state, ADA).context)
    assert threads.of(Call("m", extra={"conversation_id": Raw(b"7")}), ADA) == Thread()
