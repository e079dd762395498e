"""A client's body: what is taken, and in which words the rest is refused."""

import pytest

from gateway import BadCall, Message, State, Text

EVENTS = {"content-type": "application/json", "accept": "text/event-stream"}
EARLIER = "`earlier` must be an array of messages, each with `role` (user or assistant) and `content`, a text"


def test_a_message_is_a_call_of_the_agent_that_it_names(server, ask):
    asked = ask(message="Hi", agent="Poet")
    assert server.peek(asked).model == "Poet"
    call = server.decode(asked)
    assert (call.model, call.messages, call.stream) == ("Poet", [Message("user", [Text("Hi")])], False)


@pytest.mark.parametrize("members", [{}, {"agent": None}, {"agent": ""}])
def test_without_an_agent_the_first_one_is_meant(server, ask, members):
    assert server.peek(ask(message="Hi", **members)).model is None


@pytest.mark.parametrize("accept", ["text/event-stream", "application/json, text/event-stream;q=0.9"])
def test_what_is_accepted_says_whether_it_streams(server, ask, accept):
    asked = ask(message="Hi", headers={**EVENTS, "accept": accept})
    assert server.peek(asked).stream
    assert server.decode(asked).stream


def test_a_conversation_can_be_named(server, ask):
    assert server.decode(ask(message="Hi", conversationId="c1")).state == State(conversation="c1")


def test_a_client_may_say_what_was_said_before(server, ask):
    earlier = [{"role": "user", "content": "One"}, {"role": "assistant", "content": "Two"}]
    told = [
        (message.role, message.blocks[0].text) for message in server.decode(ask(message="Hi", earlier=earlier)).messages
    ]
    assert told == [("user", "One"), ("assistant", "Two"), ("user", "Hi")]


def test_members_that_nobody_knows_do_no_harm(server, ask):
    assert server.decode(ask(message="Hi", channel=7)).messages == [Message("user", [Text("Hi")])]


def test_there_is_no_limit_of_ten_thousand_characters(server, ask):
    [message] = server.decode(ask(message="x" * 50_000)).messages
    assert len(message.blocks[0].text) == 50_000


@pytest.mark.parametrize(
    ("body", "headers", "said", "field"),
    [
        (b'{"message":"Hi"}', {}, "Content-Type must be application/json", None),
        (b'{"message":"Hi"}', {"content-type": "text/plain"}, "Content-Type must be application/json", None),
        (b"{", EVENTS, "Invalid JSON body", None),
        (b"", EVENTS, "Invalid JSON body", None),
        (b"{}", EVENTS, "Missing required field: message", "message"),
        (b"[]", EVENTS, "Missing required field: message", "message"),
        (b'{"message":""}', EVENTS, "Missing required field: message", "message"),
        (b'{"message":["Hi"]}', EVENTS, "Missing required field: message", "message"),
        (b'{"message":"Hi","agent":7}', EVENTS, "`agent` must be a string", "agent"),
        (b'{"message":"Hi","earlier":["x"]}', EVENTS, EARLIER, "earlier"),
        (b'{"message":"Hi","earlier":[{"role":"system","content":"x"}]}', EVENTS, EARLIER, "earlier"),
    ],
)
def test_what_is_wrong_is_said_in_lettabots_words(server, ask, body, headers, said, field):
    with pytest.raises(BadCall) as raised:
        server.peek(ask(body, headers))
    assert (raised.value.public, raised.value.param) == (said, field)
