"""Replies and calls, mutated as the fuzzer does it, in numbers that a test run can bear."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mutate import ODD, mutated
from seeds import aws_event
from targets import targets

CORPUS = Path(__file__).resolve().parents[2] / "contrib" / "fuzz" / "corpus"
TARGETS = targets()
STREAM, WHOLE = b"\x01", b"\x00"
DEEPEST = (64, 500, *range(880, 1010, 10), 1100, 20_000)
PLACES = {
    "anthropic-messages": '{"type":"content_block_delta","index":0,"delta":@}',
    "bedrock-converse": '{"contentBlockIndex":0,"delta":@}',
    "gemini": '{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":@}}]}}]}',
    "open-responses": '{"type":"response.output_item.done","item":{"type":"x","y":@}}',
    "openai-chat": '{"choices":[{"index":0,"delta":{"tool_calls":[{"function":{"name":"f","arguments":@}}]},"x":@}]}',
}
NAMED = ("messages", "input", "contents", "tools", "system", "instructions", "x_new", "generationConfig", "metadata")
few = settings(
    max_examples=120, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)


def of(kind: str) -> list[str]:
    return sorted(name for name in TARGETS if name.startswith(kind))


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_mutation_is_a_defect(name: str) -> None:
    inputs = [path.read_bytes() for path in sorted((CORPUS / name).iterdir())]

    @few
    @given(st.integers(0, 2**32))
    def drawn(seed: int) -> None:
        for data in Random(seed).sample(inputs, min(4, len(inputs))):
            TARGETS[name](mutated(data, Random(seed), inputs))

    drawn()


@pytest.mark.parametrize("name", sorted(TARGETS))
def test_no_bytes_are_a_defect(name: str) -> None:
    pieces = st.sampled_from([b"data: ", b"\n", b"\r\n", b"\n\n", b"{", b"}", b"[", b"]", b'"', b":", b"1", b"\\"])

    @few
    @given(st.binary(max_size=60) | st.lists(pieces | st.binary(max_size=4), max_size=30).map(b"".join))
    def drawn(data: bytes) -> None:
        TARGETS[name](data)

    drawn()


@pytest.mark.parametrize("name", of("decoder-") + of("tap-"))
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_no_depth_of_a_reply_is_a_defect(name: str, opening: str) -> None:
    """Readers give up at different depths: what one could read, the next one may not."""
    place = PLACES.get(name.partition("-")[2], '{"data":[@]}')
    for depth in DEEPEST:
        nested = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
        payload = place.replace("@", nested).encode()
        TARGETS[name](STREAM + b"data: " + payload + b"\n\n")
        TARGETS[name](STREAM + aws_event("contentBlockDelta", payload))
        TARGETS[name](WHOLE + payload)


@pytest.mark.parametrize("name", of("server-"))
@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_no_depth_of_a_call_is_a_defect(name: str, opening: str) -> None:
    for depth in DEEPEST:
        nested = opening * depth + "1" + ("]" if opening == "[" else "}") * depth
        for member in NAMED:
            TARGETS[name](WHOLE + f'{{"model":"m","max_tokens":1,"{member}":{nested}}}'.encode())


@pytest.mark.parametrize("name", [*of("decoder-"), *of("tap-"), *of("server-"), "errors"])
def test_no_odd_value_in_place_of_all_is_a_defect(name: str) -> None:
    for value in ODD:
        payload = json.dumps(value).encode()
        for flags in range(0, 256, 5):
            TARGETS[name](bytes((flags,)) + payload)
            TARGETS[name](bytes((flags,)) + b"data: " + payload + b"\n\n")
