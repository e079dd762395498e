"""Responses in the background go on without clients, are followed and cancelled by any worker, and billed once."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from keeping import Place, placed, refused
from recalling import Recalling

PATIENCE = 30.0
"""Seconds for what happens soon."""
MODELS = ["agent_a", "native/m"]


@pytest.fixture(autouse=True)
def held(recalling: Recalling) -> None:
    recalling.hold()


def until(there: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not there():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def ended(place: Place, name: str) -> Any:
    """The response once it is under way no more; each look is a connection of its own, to any worker."""
    found: Any = None

    def over() -> bool:
        nonlocal found
        with place.sdk() as sdk:
            found = sdk.responses.retrieve(name)
        return found.status not in ("queued", "in_progress")

    until(over)
    return found


def wrote(place: Place, user: str) -> int:
    told = json.loads(place.operator("usage", "--by", "user", "--user", user, "--json"))
    return int(told["total"]["output"])


@pytest.mark.parametrize("model", MODELS)
def test_a_run_goes_on_by_itself_and_is_billed_once(place: Place, recalling: Recalling, model: str) -> None:
    user = f"ann-{model[:3]}"
    sdk = place.sdk(place.key(user))
    begun = sdk.responses.create(model=model, input="please wait", background=True)
    assert (begun.status, begun.background, begun.store) == ("queued", True, True)
    until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
    recalling.go_on()
    until(lambda: sdk.responses.retrieve(begun.id).status == "completed")
    done = sdk.responses.retrieve(begun.id)
    assert done.output_text.endswith("user:please wait")
    assert (done.id, done.background, done.usage and done.usage.output_tokens) == (begun.id, True, 3)
    until(lambda: wrote(place, user) == 3)
    after = sdk.responses.create(model=model, input="more", previous_response_id=begun.id)
    assert after.output_text.endswith("user:more")
    assert "user:please wait" in after.output_text
    until(lambda: wrote(place, user) == 6)


@pytest.mark.parametrize("model", MODELS)
def test_a_client_that_leaves_comes_back_for_the_rest(place: Place, recalling: Recalling, model: str) -> None:
    before = recalling.left
    seen: list[Any] = []
    with place.sdk() as sdk:
        stream = sdk.responses.create(model=model, input="please wait", background=True, stream=True)
        for event in stream:
            seen.append(event)
            if event.type == "response.output_text.delta":
                break
        stream.close()
    name = seen[0].response.id
    recalling.go_on()
    done = ended(place, name)
    assert (done.status, recalling.left) == ("completed", before)
    last = seen[-1].sequence_number
    with place.sdk() as sdk:
        rest = list(sdk.responses.retrieve(name, stream=True, starting_after=last))
        everything = list(sdk.responses.retrieve(name, stream=True))
        nothing = list(sdk.responses.retrieve(name, stream=True, starting_after=everything[-1].sequence_number))
    assert [one.sequence_number for one in everything] == list(range(len(everything)))
    assert [one.sequence_number for one in (*seen, *rest)] == list(range(len(everything)))
    assert nothing == []
    assert [one.to_dict() for one in (*seen, *rest)] == [one.to_dict() for one in everything]
    final: Any = everything[-1]
    assert (final.type, final.response.to_dict()) == ("response.completed", done.to_dict())
    text = "".join(one.delta for one in everything if one.type == "response.output_text.delta")
    assert text == done.output_text


def test_a_run_is_followed_while_it_runs(place: Place, recalling: Recalling) -> None:
    with place.sdk() as first, place.sdk() as second:
        begun = first.responses.create(model="agent_a", input="please wait", background=True)
        types = []
        for event in second.responses.retrieve(begun.id, stream=True):
            types.append(event.type)
            if event.type == "response.output_text.delta":
                recalling.go_on()
    assert types[0] == "response.created"
    assert types[-1] == "response.completed"
    assert types.count("response.output_text.delta") == 2


@pytest.mark.parametrize("model", MODELS)
def test_a_run_is_cancelled_by_whichever_worker_and_stays_so(place: Place, recalling: Recalling, model: str) -> None:
    for _ in range(4):
        before = recalling.left
        with place.sdk() as sdk:
            begun = sdk.responses.create(model=model, input="please wait", background=True)
            until(lambda name=begun.id, sdk=sdk: sdk.responses.retrieve(name).status == "in_progress")  # type: ignore[misc]
        with place.sdk() as sdk:
            assert sdk.responses.cancel(begun.id).status == "cancelled"
            assert sdk.responses.cancel(begun.id).status == "cancelled"
        until(lambda before=before: recalling.left > before)  # type: ignore[misc]
        assert ended(place, begun.id).status == "cancelled"
        with place.sdk() as sdk:
            events = list(sdk.responses.retrieve(begun.id, stream=True))
            assert str(events[-1].type) == "response.cancelled"


def test_what_is_not_in_the_background_is_neither_cancelled_nor_followed(place: Place) -> None:
    sdk = place.sdk()
    made = sdk.responses.create(model="agent_a", input="one", store=True)
    error = refused(openai.BadRequestError, lambda: sdk.responses.cancel(made.id))
    assert "Cannot cancel a synchronous response." in error.message
    refused(openai.BadRequestError, lambda: list(sdk.responses.retrieve(made.id, stream=True)))
    refused(
        openai.BadRequestError,
        lambda: sdk.responses.create(model="agent_a", input="one", background=True, store=False),
    )


def test_a_run_whose_upstream_fails_has_failed_with_its_words(place: Place, recalling: Recalling) -> None:
    sdk = place.sdk()
    begun = sdk.responses.create(model="agent_a", input="fail", background=True)
    done = ended(place, begun.id)
    assert (done.status, done.error and done.error.message) == ("failed", "I was told to fail.")
    with sdk.responses.retrieve(begun.id, stream=True) as stream:
        assert [event.type for event in stream] == ["response.failed"]


def test_a_run_that_is_deleted_ends_and_leaves_nothing(place: Place, recalling: Recalling) -> None:
    before = recalling.left
    sdk = place.sdk()
    begun = sdk.responses.create(model="agent_a", input="mirabelle, please wait", background=True)
    until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
    with place.sdk() as other:
        other.responses.delete(begun.id)
    until(lambda: recalling.left > before)
    until(lambda: place.rows(begun.id) == 0)
    assert place.rows("mirabelle") == 0


def test_a_drain_ends_what_runs_too_long_and_says_so(tmp_path: Path, recalling: Recalling) -> None:
    with placed(tmp_path, recalling) as first:
        sdk = first.sdk()
        begun = sdk.responses.create(model="agent_a", input="please wait", background=True)
        until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
        sdk.close()
        first.running.stop()
    with placed(tmp_path, recalling) as second:
        done = second.sdk().responses.retrieve(begun.id)
        assert (done.status, done.error and done.error.code) == ("failed", "server_shutdown")


def test_a_drain_waits_for_what_ends_in_time(tmp_path: Path, recalling: Recalling) -> None:
    with placed(tmp_path, recalling, drain=20) as first:
        sdk = first.sdk()
        begun = sdk.responses.create(model="agent_a", input="please wait", background=True)
        until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
        told = sdk.responses.create(model="agent_a", input="one")
        sdk.close()
        first.running.process.send_signal(signal.SIGTERM)
        until(lambda: "stopping" in first.running.printed)
        recalling.go_on()
        assert first.running.stop() == 0
    with placed(tmp_path, recalling) as second:
        assert second.sdk().responses.retrieve(begun.id).status == "completed"
        assert second.sdk().responses.retrieve(told.id).output_text == told.output_text, "written behind, and not lost"


def test_a_run_whose_worker_was_killed_has_failed(tmp_path: Path, recalling: Recalling) -> None:
    with placed(tmp_path, recalling, workers=1, silence=2) as first:
        sdk = first.sdk()
        begun = sdk.responses.create(model="agent_a", input="please wait", background=True)
        until(lambda: sdk.responses.retrieve(begun.id).status == "in_progress")
        first.running.stop(signal.SIGKILL)
    with placed(tmp_path, recalling, workers=1, silence=2) as second:
        done = ended(second, begun.id)
        assert (done.status, done.error and done.error.code) == ("failed", "server_error")
