"""A turn that a client kept as the pieces it came in, as Google's SDK keeps streams, is one turn again."""

import json

from gateway_dialect_gemini.calls import decode

from gateway.call import Opaque, Reasoning, Text, ToolCall
from gateway.carrier import pack

SIGNATURE = "c2ln"


def turn(*contents):
    """The model's blocks, of contents one after the other."""
    user = {"role": "user", "parts": [{"text": "Hi"}]}
    said = [{"role": "model", "parts": list(parts)} for parts in contents]
    body = json.dumps({"contents": [user, *said, user]}).encode()
    messages = decode(body, "m", False, "generateContent").messages
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    return messages[1].blocks


def test_pieces_of_text_and_thoughts_are_joined_and_signatures_find_their_block():
    thought, text, call = turn(
        [{"text": "Hm", "thought": True}],
        [{"text": "m.", "thought": True}],
        [{"text": "", "thought": True, "thoughtSignature": SIGNATURE}],
        [{"text": "Yes"}],
        [{"text": ".", "thoughtSignature": SIGNATURE}],
        [{"functionCall": {"name": "f", "args": {}}, "thoughtSignature": SIGNATURE}],
    )
    assert (type(thought), thought.text) == (Reasoning, "Hmm.")
    assert (type(text), text.text) == (Text, "Yes.")
    assert isinstance(call, ToolCall)
    assert [bytes(block.proof.payload) for block in (thought, text, call)] == [b'"c2ln"'] * 3


def test_a_carrier_that_came_as_a_piece_of_its_own_belongs_to_the_text_before_it():
    state = Opaque("gemini", "text", b'"theirs"', "far")
    [text] = turn([{"text": "Yes."}], [{"text": "", "thoughtSignature": pack(state)}])
    assert (text.text, text.proof.domain) == ("Yes.", "far")


def test_contents_with_members_of_their_own_stay_apart():
    body = {"contents": [{"role": "model", "parts": [{"text": "a"}]}, {"role": "model", "parts": [], "x": 1}]}
    messages = decode(json.dumps(body).encode(), "m", False, "generateContent").messages
    assert len(messages) == 2
