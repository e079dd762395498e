"""Responses and conversations are kept, continued and deleted, through the official SDK, on both stores."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import openai
import pytest
from books import eventually
from keeping import Place, refused
from recalling import Recalling

TOOL: Any = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
MODELS = ["chat/m", "native/m", "keeping/m"]
MOUNTS = ["/v1", "/api/agents/v1", ""]


@pytest.mark.parametrize("model", MODELS)
def test_a_response_is_continued_by_its_id(place: Place, model: str) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model=model, input="one", store=True)
    assert (first.output_text, first.previous_response_id, first.store) == ("user:one", None, True)
    second = sdk.responses.create(model=model, input="two", previous_response_id=first.id)
    told = second.output_text
    assert [part.partition(":")[2] for part in told.split(" | ") if "reasoning" not in part] == [
        "one",
        "user:one",
        "two",
    ]
    assert (second.previous_response_id, second.store) == (first.id, True)
    with sdk.responses.stream(model=model, input="three", previous_response_id=second.id) as stream:
        events = list(stream)
        third = stream.get_final_response()
    created: Any = events[0]
    assert created.response.id == third.id
    assert third.previous_response_id == second.id
    assert third.output_text.endswith("| user:three")
    assert third.output_text.count("user:one") == 4
    fourth = sdk.responses.create(model=model, input="four", previous_response_id=third.id, store=False)
    assert fourth.output_text.endswith("| user:four")
    assert fourth.store is False
    assert refused(openai.NotFoundError, lambda: sdk.responses.retrieve(fourth.id)).status_code == 404


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_items_of_kept_responses_may_be_referred_to(place: Place, stream: bool) -> None:
    """Some clients rely on `store`, and send what was said before as references alone, without the response's id."""
    sdk, other = place.sdk(), place.sdk(place.key("reader"))
    first = sdk.responses.create(model="chat/m", input="weather?", tools=[TOOL])
    [call] = first.output
    assert call.type == "function_call"
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    asked: Any = [{"role": "user", "content": "weather?"}, {"type": "item_reference", "id": call.id}, result]
    if stream:
        with sdk.responses.stream(model="chat/m", input=asked) as events:
            said = events.get_final_response()
    else:
        said = sdk.responses.create(model="chat/m", input=asked, store=False)
    assert said.output_text == "user:weather? | assistant:call(weather) | tool:rain"
    for client, name in ((other, call.id), (sdk, f"{call.id}0"), (sdk, "rs_elsewhere")):
        unknown: Any = [asked[0], {"type": "item_reference", "id": name}]
        ask = partial(client.responses.create, model="chat/m", input=unknown)
        found = refused(openai.BadRequestError, ask)
        assert (found.code, found.param) == ("item_not_found", "input[1]")


def test_another_agent_of_another_upstream_takes_a_conversation_over(place: Place) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="agent_a", input="one", store=True)
    assert first.output_text == "system:Be kind. | user:one"
    second = sdk.responses.create(model="agent_b", input="two", previous_response_id=first.id)
    assert second.output_text == "user:one | assistant:system:Be kind. | user:one | user:two"
    third = sdk.responses.create(model="agent_a", input="three", previous_response_id=second.id)
    assert third.output_text.startswith("system:Be kind. | user:one | assistant:")
    assert third.output_text.endswith("| user:three")


def test_who_keeps_responses_continues_them_itself_and_others_are_told_to_keep_nothing(
    place: Place, recalling: Recalling
) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="keeping/m", input="one")
    second = sdk.responses.create(model="keeping/m", input="two", previous_response_id=first.id)
    asked = recalling.asked[-1]
    assert (asked["input"], asked["previous_response_id"], "store" in asked) == ("two", first.id, False)
    assert first.id in recalling.kept
    moved = sdk.responses.create(model="native/m", input="three", previous_response_id=second.id)
    asked = recalling.asked[-1]
    assert "previous_response_id" not in asked
    assert (asked["store"], [item["role"] for item in asked["input"]]) == (
        False,
        ["user", "assistant", "user", "assistant", "user"],
    )
    assert not [item for item in asked["input"] if "encrypted_content" in item]
    back = sdk.responses.create(model="keeping/m", input="four", previous_response_id=moved.id)
    asked = recalling.asked[-1]
    assert "previous_response_id" not in asked
    assert back.output_text.endswith("| user:four")
    sdk.responses.delete(first.id)
    assert first.id not in recalling.kept


def test_proofs_go_back_to_their_maker_alone(place: Place, recalling: Recalling) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="native/m", input="one", store=True)
    sdk.responses.create(model="native/m", input="two", previous_response_id=first.id)
    assert [item.get("encrypted_content") for item in recalling.asked[-1]["input"]][1] == "SECRET"
    sdk.responses.create(model="keeping/m", input="two", previous_response_id=first.id)
    assert "SECRET" not in json.dumps(recalling.asked[-1])


def test_tool_calls_are_continued_with_their_results(place: Place) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="agent_a", input="weather?", tools=[TOOL], store=True)
    call: Any = first.output[0]
    assert call.type == "function_call"
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}
    second = sdk.responses.create(model="agent_a", input=[result], previous_response_id=first.id)
    assert second.output_text == "system:Be kind. | user:weather? | assistant:call(weather) | tool:rain"
    stray: Any = result | {"call_id": "call_none"}
    error = refused(
        openai.BadRequestError,
        lambda: sdk.responses.create(model="agent_a", input=[stray], previous_response_id=first.id),
    )
    assert "No tool call found" in error.message


def test_items_are_referred_to_by_their_ids(place: Place) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="agent_b", input="one", store=True)
    known = sdk.responses.input_items.list(first.id).data[0]
    reference: Any = {"type": "item_reference", "id": known.id}
    second = sdk.responses.create(model="agent_b", input=[reference], previous_response_id=first.id)
    assert second.output_text.startswith("user:one | reasoning:")
    assert second.output_text.endswith("| user:one")
    stray: Any = {"id": "msg_nobodys"}
    error = refused(
        openai.BadRequestError,
        lambda: sdk.responses.create(model="agent_b", input=[stray], previous_response_id=first.id),
    )
    assert "msg_nobodys" in error.message


@pytest.mark.parametrize("mount", MOUNTS)
def test_what_is_kept_is_shown_paged_and_deleted_on_every_mount(place: Place, mount: str) -> None:
    sdk = place.sdk(mount=mount)
    first = sdk.responses.create(model="agent_a", input="marmalade", store=True)
    second = sdk.responses.create(model="agent_a", input="two", previous_response_id=first.id)
    shown = sdk.responses.retrieve(second.id)
    assert shown.to_dict() == second.to_dict()
    everything = list(sdk.responses.input_items.list(second.id, limit=1, order="asc"))
    assert [(item.type, item.role) for item in everything if item.type == "message"] == [
        ("message", "user"),
        ("message", "assistant"),
        ("message", "user"),
    ]
    newest = sdk.responses.input_items.list(second.id, limit=2)
    assert [item.id for item in newest.data] == [everything[2].id, everything[1].id]
    assert newest.has_more
    eventually(lambda: place.rows("marmalade") > 0)
    sdk.responses.delete(second.id)
    sdk.responses.delete(first.id)
    for gone in (first.id, second.id):
        error = refused(openai.NotFoundError, lambda name=gone: sdk.responses.retrieve(name))  # type: ignore[misc]
        assert error.code == "response_not_found"
        error = refused(
            openai.BadRequestError,
            lambda name=gone: sdk.responses.create(model="agent_a", input="x", previous_response_id=name),  # type: ignore[misc]
        )
        assert (error.code, error.param, error.type) == (
            "previous_response_not_found",
            "previous_response_id",
            "invalid_request_error",
        )
    assert place.rows("marmalade") == 0


@pytest.mark.parametrize("mount", MOUNTS)
def test_any_earlier_reply_is_continued_though_nobody_asked_for_it_to_be_kept(place: Place, mount: str) -> None:
    first = place.sdk(mount=mount).responses.create(model="agent_a", input="one")
    assert first.store is True
    for _ in range(4):
        with place.sdk(mount=mount) as other:  # a connection of its own, to any worker
            first = other.responses.create(model="agent_a", input="one")
        with place.sdk(mount=mount) as other:
            second = other.responses.create(model="agent_b", input="two", previous_response_id=first.id)
            assert other.responses.retrieve(second.id).output_text == second.output_text
        assert second.output_text == "user:one | assistant:system:Be kind. | user:one | user:two"


def test_a_reply_that_passes_is_left_as_it_comes_and_continued_from_a_copy(place: Place, recalling: Recalling) -> None:
    sdk = place.sdk()
    asked = len(recalling.asked)
    first = sdk.responses.create(model="native/m", input="one")
    with sdk.responses.stream(model="native/m", input="one") as stream:
        streamed = stream.get_final_response()
    assert [(one["input"], "store" in one) for one in recalling.asked[asked:]] == [("one", False)] * 2
    for made in (first, streamed):
        assert made.id.startswith("resp_up")
        assert sdk.responses.retrieve(made.id).output_text == made.output_text == "user:one"
        with place.sdk() as other:
            again = other.responses.create(model="native/m", input="two", previous_response_id=made.id)
        sent = recalling.asked[-1]
        assert ("previous_response_id" in sent, sent["store"]) == (False, False)
        assert (again.previous_response_id, again.store) == (made.id, True)
        assert again.output_text == "user:one | reasoning:SECRET | assistant:user:one | user:two"
        sdk.responses.delete(made.id)
        refused(openai.NotFoundError, lambda name=made.id: sdk.responses.retrieve(name))  # type: ignore[misc]


def test_what_says_store_false_is_not_kept(place: Place) -> None:
    sdk = place.sdk()
    for model in MODELS:
        made = sdk.responses.create(model=model, input="pomegranate", store=False)
        assert made.store is False
        refused(openai.NotFoundError, lambda name=made.id: sdk.responses.retrieve(name))  # type: ignore[misc]
    assert place.rows("pomegranate") == 0


def test_nobody_sees_or_continues_what_is_anothers(place: Place, recalling: Recalling) -> None:
    ann, bob = place.sdk(place.key("ann")), place.sdk(place.key("bob"))
    for model in ("agent_a", "keeping/m"):
        first = ann.responses.create(model=model, input="secret", store=True)
        asked = len(recalling.asked)
        for ask in (
            lambda name: bob.responses.retrieve(name),
            lambda name: bob.responses.delete(name),
            lambda name: bob.responses.cancel(name),
            lambda name: bob.responses.input_items.list(name),
        ):
            assert refused(openai.NotFoundError, lambda ask=ask, name=first.id: ask(name)).status_code == 404  # type: ignore[misc]
        error = refused(
            openai.BadRequestError,
            lambda name=first.id, m=model: bob.responses.create(model=m, input="x", previous_response_id=name),  # type: ignore[misc]
        )
        assert error.code == "previous_response_not_found"
        assert "secret" not in str(error)
        assert len(recalling.asked) == asked
        assert ann.responses.retrieve(first.id).id == first.id
    conversation = ann.conversations.create(items=[{"type": "message", "role": "user", "content": "secret"}])
    for see in (
        lambda: bob.conversations.retrieve(conversation.id),
        lambda: bob.conversations.update(conversation.id, metadata={"a": "b"}),
        lambda: bob.conversations.items.list(conversation.id),
        lambda: bob.conversations.items.create(
            conversation.id, items=[{"type": "message", "role": "user", "content": "x"}]
        ),
        lambda: bob.responses.create(model="agent_a", input="x", conversation=conversation.id),
        lambda: bob.conversations.delete(conversation.id),
    ):
        assert refused(openai.NotFoundError, see).status_code == 404


def test_a_key_with_scopes_has_what_it_leaves_for_itself(place: Place) -> None:
    limited, other = place.sdk(place.key("cid", "--agent", "agent_a")), place.sdk(place.key("cid"))
    own = limited.responses.create(model="agent_a", input="one", store=True)
    others = other.responses.create(model="agent_a", input="one", store=True)
    assert limited.responses.retrieve(own.id).id == own.id
    refused(openai.NotFoundError, lambda: other.responses.retrieve(own.id))
    refused(openai.NotFoundError, lambda: limited.responses.retrieve(others.id))


@pytest.mark.parametrize("mount", MOUNTS)
def test_a_conversation_is_kept_changed_and_deleted_on_every_mount(place: Place, mount: str) -> None:
    sdk = place.sdk(mount=mount)
    begun = sdk.conversations.create(
        metadata={"topic": "fruit"}, items=[{"type": "message", "role": "user", "content": "quince"}]
    )
    assert begun.id.startswith("conv_")
    answered = sdk.responses.create(model="agent_a", input="more", conversation=begun.id)
    assert answered.output_text == "system:Be kind. | user:quince | user:more"
    assert answered.conversation is not None
    assert answered.conversation.id == begun.id
    again = sdk.responses.create(model="agent_b", input="again", conversation={"id": begun.id})
    assert again.output_text.startswith("user:quince | user:more | assistant:system:Be kind.")
    listed = list(sdk.conversations.items.list(begun.id, order="asc", limit=2))
    said: list[Any] = [item for item in listed if item.type == "message"]
    assert [item.role for item in said] == ["user", "user", "assistant", "user", "assistant"]
    assert sdk.conversations.items.retrieve(said[0].id, conversation_id=begun.id).id == said[0].id
    added = sdk.conversations.items.create(
        begun.id, items=[{"type": "message", "role": "developer", "content": "Be brief."}]
    )
    assert [item.type for item in added.data] == ["message"]
    sdk.conversations.items.delete(said[0].id, conversation_id=begun.id)
    refused(openai.NotFoundError, lambda: sdk.conversations.items.retrieve(said[0].id, conversation_id=begun.id))
    assert sdk.conversations.update(begun.id, metadata={"topic": "nuts"}).metadata == {"topic": "nuts"}
    assert sdk.conversations.retrieve(begun.id).metadata == {"topic": "nuts"}
    branch = sdk.responses.create(model="agent_a", input="branch", previous_response_id=answered.id)
    assert branch.output_text.endswith("assistant:system:Be kind. | user:quince | user:more | user:branch")
    eventually(lambda: place.rows(branch.id) > 0)
    assert sdk.conversations.delete(begun.id).deleted
    refused(openai.NotFoundError, lambda: sdk.conversations.retrieve(begun.id))
    refused(openai.NotFoundError, lambda: sdk.responses.retrieve(answered.id))
    sdk.responses.delete(branch.id)
    assert place.rows(begun.id) == 0


def test_previous_response_and_conversation_exclude_each_other(place: Place) -> None:
    sdk = place.sdk()
    begun = sdk.conversations.create()
    first = sdk.responses.create(model="agent_a", input="one", store=True)
    error = refused(
        openai.BadRequestError,
        lambda: sdk.responses.create(model="agent_a", input="x", conversation=begun.id, previous_response_id=first.id),
    )
    assert error.code == "mutually_exclusive_parameters"


def test_input_tokens_count_what_is_continued(place: Place) -> None:
    sdk = place.sdk()
    first = sdk.responses.create(model="agent_a", input="one " * 200, store=True)
    alone = sdk.responses.input_tokens.count(model="agent_a", input="two").input_tokens
    behind = sdk.responses.input_tokens.count(model="agent_a", input="two", previous_response_id=first.id).input_tokens
    assert behind > alone + 100
