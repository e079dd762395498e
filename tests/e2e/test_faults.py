"""Whatever an upstream does wrong, the official SDKs raise as if they had asked it themselves; and the record says so.

Each SDK calls an upstream of its own dialect directly, and one of every dialect through the gateway.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from faulty import FAULTS, Fault, faulty
from signing import UPSTREAMS, WORDS

from gateway.testing.running import RunningGateway

TOUR = Path(__file__).with_name("faults_tour.py")
OWN = {"chat": "openrouter", "responses": "responses", "messages": "messages", "gemini": "gemini"}
"""The upstream of each SDK's own dialect."""
Seen = list[Any]
Call = tuple[str, bool]


class Classes(NamedTuple):
    """What an SDK raises: for an error in a stream, for a 502, for a 504."""

    told: Seen
    broken: Seen
    late: Seen


OPENAI = Classes(["APIError", None, None], ["InternalServerError", 502, None], ["InternalServerError", 504, None])
CLASSES = {
    "chat": OPENAI,
    "responses": OPENAI,
    "messages": Classes(
        ["APIStatusError", 200, None], ["InternalServerError", 502, None], ["GatewayTimeoutError", 504, None]
    ),
    "gemini": Classes(["ServerError", 502, None], ["ServerError", 502, None], ["ServerError", 504, None]),
}
OTHERWISE = {
    "cut": "the SDK would say that its connection broke, or take a clean end for the reply's; the gateway says it in "
    "the dialect's words: in-band, or as a 502 where nothing has gone out yet",
    "garbage": "the SDK would raise what its parser raises, or take it for an empty reply; it is a 502 or said in-band",
    "gone": "the SDK would say that it could not connect; to the gateway it can, and a 502 is tried again likewise",
    "redirect": "SDKs follow redirects, with the key they have; the gateway follows none and says 502",
    "status": "401 and 403 are a 502: the key that was refused is the gateway's, and not the caller's to mend",
}
"""Sorts of faults that an SDK sees otherwise through the gateway than directly, though the dialect is its own; why."""
OUTCOMES = {
    "complete": {"complete"},
    "mislabelled": {"complete"},
    "late": {"complete"},
    "cut": {"broken"},
    "garbage": {"broken"},
    "gone": {"broken"},
    "redirect": {"broken"},
    "silent": {"timeout"},
    "status": {"upstream_error"},
    "told": {"broken", "upstream_error"},
}
PASSES = "garbage-in-stream"
"""Events pass unread; an SDK of the same dialect fails on this one as it would have, and may leave before the end."""


def calls(upstream: str) -> list[Call]:
    both = [((name, False), fault.whole) for name, fault in FAULTS[upstream].items()]
    both += [((name, True), fault.streamed) for name, fault in FAULTS[upstream].items()]
    return [call for call, steps in both if steps is not None]


@pytest.fixture(scope="module")
def upstream() -> Iterator[str]:
    with faulty() as url:
        yield url


@pytest.fixture(scope="module")
def gateway(upstream: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    far = [name for name in UPSTREAMS if name != "bedrock"]
    custom = [
        {
            "name": name,
            "apiKey": "k",
            "baseURL": f"{upstream}/{name}/{'v1beta' if name == 'gemini' else 'v1'}",
            "models": {"default": list(FAULTS[name])},
        }
        for name in far
    ]
    few = {"connect": 1, "first_byte": 1, "idle": 1}
    dialects = {name: [UPSTREAMS[name].dialect] for name in far}
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": custom},
        "gateway": {"timeouts": few, "provider-custom": {"dialects": dialects}},
    }
    environ = {
        "BEDROCK_AWS_BEARER_TOKEN": "k",
        "BEDROCK_AWS_DEFAULT_REGION": "us-east-1",
        "BEDROCK_REVERSE_PROXY": upstream + "/bedrock",
    }
    with RunningGateway(tmp_path_factory.mktemp("faults"), json.dumps(config), environ=environ) as running:
        yield running


class Tour(NamedTuple):
    """What one SDK saw. direct, through: by call, the latter by upstream. late: what hung."""

    sdk: str
    direct: dict[Call, Seen]
    through: dict[str, dict[Call, Seen]]
    late: list[tuple[str, Call]]


@pytest.fixture(scope="module", params=OWN)
def tour(request: pytest.FixtureRequest, upstream: str, gateway: RunningGateway) -> Tour:
    sdk = request.param
    asked = {name: calls(name) for name in FAULTS}
    groups = {
        name: {"base": gateway.url, "key": gateway.key, "calls": [(f"{name}/{model}", way) for model, way in these]}
        for name, these in asked.items()
    }
    asked["direct"] = [call for call in calls(OWN[sdk]) if FAULTS[OWN[sdk]][call[0]].sort != "silent"]
    groups["direct"] = {"base": f"{upstream}/{OWN[sdk]}", "key": "k", "calls": asked["direct"]}
    run = [sys.executable, str(TOUR), sdk]
    ended = subprocess.run(run, input=json.dumps(groups), capture_output=True, text=True, check=False, timeout=100)
    assert ended.returncode == 0, ended.stderr
    came = json.loads(ended.stdout)
    seen = {name: dict(zip(asked[name], (one for one, _ in came[name]), strict=True)) for name in asked}
    late = [(name, call) for name in asked for call, (_, soon) in zip(asked[name], came[name], strict=True) if not soon]
    return Tour(sdk, seen.pop("direct"), seen, late)


EVERY_UPSTREAM = pytest.mark.parametrize("name", FAULTS)


def of(tour: Tour, name: str, *sorts: str) -> dict[Call, Seen]:
    """What came of faults of these sorts."""
    return {call: seen for call, seen in tour.through[name].items() if FAULTS[name][call[0]].sort in sorts}


def test_nothing_hangs(tour: Tour) -> None:
    assert tour.late == []


@EVERY_UPSTREAM
def test_a_reply_in_an_odd_shape_is_a_reply(tour: Tour, name: str) -> None:
    """Compressed unasked, under another content type, or without what comes behind its end."""
    seen = of(tour, name, "complete", "mislabelled", "late")
    assert len(seen) >= 6
    for call, came in seen.items():
        assert came == ["clean", WORDS], call


@EVERY_UPSTREAM
def test_no_cut_ends_cleanly(tour: Tour, name: str) -> None:
    """At every boundary, and within every event: lost, reset, or with an end as if that were all."""
    seen = of(tour, name, "cut")
    assert len(seen) >= 6 * (len(UPSTREAMS[name].events) - 2)
    for (fault, streamed), came in seen.items():
        assert came == (CLASSES[tour.sdk].told if streamed else CLASSES[tour.sdk].broken), fault


def test_directly_a_clean_end_in_mid_stream_passes_for_success(tour: Tour) -> None:
    """That is why it must be an error here."""
    ends = [seen for (fault, _), seen in tour.direct.items() if fault.startswith("cut-at") and fault.endswith("eof")]
    assert ends
    assert {came[0] for came in ends} == {"clean"}


@EVERY_UPSTREAM
def test_a_status_is_the_class_that_it_is_directly(tour: Tour, name: str) -> None:
    for call, came in of(tour, name, "status").items():
        mine = call[0].startswith(("401", "403"))
        assert came == (CLASSES[tour.sdk].broken if mine else tour.direct[call]), call


def test_a_status_says_when_to_come_again_only_where_the_upstream_did(tour: Tour) -> None:
    for seen in (tour.direct, *tour.through.values()):
        assert {seen[fault, way][2] for fault in ("429-later",) for way in (False, True)} == {"7"}
        assert {seen[fault, way][2] for fault in ("429", "503") for way in (False, True)} == {None}


@EVERY_UPSTREAM
def test_what_is_no_reply_is_the_upstreams_fault(tour: Tour, name: str) -> None:
    told, broken, _ = CLASSES[tour.sdk]
    for call, came in of(tour, name, "garbage", "gone", "redirect").items():
        expected = [told, broken] if call[1] else [broken]
        if name == OWN[tour.sdk] and call[1] and tour.direct[call][0] != "clean":
            expected.append(tour.direct[call])
        assert came in expected, call


@EVERY_UPSTREAM
def test_an_error_in_the_stream_is_an_error(tour: Tour, name: str) -> None:
    for call, came in of(tour, name, "told").items():
        if name == OWN[tour.sdk]:
            assert came == tour.direct[call]
        elif tour.sdk == "gemini":  # the one dialect whose errors in a stream have a status
            assert came[0] in ("ServerError", "ClientError")
            assert came[1] >= 400
        else:
            assert came == CLASSES[tour.sdk].told, call


@EVERY_UPSTREAM
def test_silence_is_a_timeout(tour: Tour, name: str) -> None:
    told, _, late = CLASSES[tour.sdk]
    begun = late if tour.sdk == "gemini" else told
    expected = {("silent", False): late, ("silent", True): late, ("stuck", False): late, ("stuck", True): begun}
    assert of(tour, name, "silent") == expected


def test_what_the_sdk_sees_otherwise_than_directly_has_its_reason(tour: Tour) -> None:
    name = OWN[tour.sdk]
    through = tour.through[name]
    other = {FAULTS[name][call[0]].sort for call, came in tour.direct.items() if came != through[call]}
    assert other == set(OTHERWISE)


@EVERY_UPSTREAM
def test_the_record_says_how_it_ended(tour: Tour, name: str, gateway: RunningGateway) -> None:
    records = recorded(gateway, tour.sdk, name)
    assert records.keys() == tour.through[name].keys()
    for (fault, streamed), record in records.items():
        expected = outcomes(FAULTS[name][fault], fault, streamed and name == OWN[tour.sdk])
        assert record["outcome"] in expected, (fault, streamed, record)
        if record["outcome"] in ("broken", "timeout") and record["status"] == 200:
            assert record["tokens"]["input"] > 0, "what a cut reply has used is estimated"


def outcomes(fault: Fault, name: str, passed: bool) -> set[str]:
    if passed and name == PASSES:
        return {"complete", "client_gone"}
    return OUTCOMES[fault.sort] | ({"client_gone"} if passed and fault.sort == "garbage" else set())


def recorded(gateway: RunningGateway, sdk: str, name: str) -> dict[Call, Any]:
    """The log's lines on calls of this SDK to this upstream; each is written a moment after its reply."""
    dialect = UPSTREAMS[OWN[sdk]].dialect
    found: dict[Call, Any] = {}
    for _ in range(100):
        lines = [json.loads(line) for line in [*gateway.output, *gateway.errors] if line.startswith("{")]
        mine = [line for line in lines if (line.get("dialect"), line.get("endpoint")) == (dialect, name)]
        found = {(line["model_served"], line.get("stream", False)): line for line in mine}
        if len(found) >= len(calls(name)):
            break
        time.sleep(0.05)
    return found


def test_no_fault_of_an_upstream_is_a_defect_of_ours(tour: Tour, gateway: RunningGateway) -> None:
    said = [*gateway.output, *gateway.errors]
    assert not [line for line in said if "Traceback" in line or '"exception"' in line]
    assert gateway.process.poll() is None
