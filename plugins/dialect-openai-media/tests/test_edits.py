"""What a request becomes: its model, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from gateway_dialect_openai_media.client import MediaClient
from gateway_dialect_openai_media.server import MediaServer
from msgspec import Raw

from gateway import BadCall, Edit, Encoded, Inbound, Quirks, Unsupported
from gateway.testing import replay

SERVER, CLIENT = MediaServer(), MediaClient()
TARGET = replay.target("served")
TYPE = "multipart/form-data; boundary=xyz"
AUDIO = bytes(range(256)) * 3


def asked(path: str, body: object, content_type: str = "application/json") -> Inbound:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return replay.inbound(SERVER, raw, "/v1" + path, headers={"content-type": content_type})


def form(**fields: str) -> bytes:
    parts = [
        f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items()
    ]
    file = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n' + AUDIO + b"\r\n"
    return file + "".join(parts).encode() + b"--xyz--\r\n"


def edited(request: Inbound, edit: Edit | None = None, **quirks: Any) -> Encoded:
    target = msgspec.structs.replace(TARGET, quirks=Quirks(**quirks))
    return CLIENT.edit(request, edit or Edit("served"), target)


def test_of_json_only_the_model_changes() -> None:
    body = b'{"input": ["a",  "\\u00fc"], "model": "openAI/x", "dimensions": 1.0, "user": null}'
    encoded = edited(asked("/embeddings", body))
    assert encoded.path == "/embeddings"
    assert encoded.body == b'{"input":["a",  "\\u00fc"],"model":"served","dimensions":1.0,"user":null}'
    assert (encoded.loss, encoded.headers, encoded.text_bytes) == ((), {}, None)


def test_a_model_that_is_named_twice_is_named_once() -> None:
    request = asked("/embeddings", b'{"model": "a", "input": "x", "model": "b"}')
    assert SERVER.peek(request).model == "b"
    assert edited(request).body == b'{"model":"served","input":"x"}'


def test_of_a_form_only_the_models_bytes_change() -> None:
    body = form(model="openAI/whisper-1", prompt="Hi")
    encoded = edited(asked("/audio/transcriptions", body, TYPE))
    assert encoded.body == body.replace(b"openAI/whisper-1", b"served")
    assert encoded.headers == {"Content-Type": TYPE}
    assert encoded.text_bytes == len("openAI/whisper-1") + len("Hi")


def test_a_form_without_a_model_is_refused_and_one_with_two_as_well() -> None:
    twice = form(model="a").replace(
        b"--xyz--", b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nb\r\n--xyz--'
    )
    for body in (form(prompt="Hi"), twice):
        with pytest.raises(BadCall) as refused:
            SERVER.peek(asked("/audio/transcriptions", body, TYPE))
        assert refused.value.param == "model"


def test_moderations_have_a_model_of_their_own() -> None:
    request = asked("/moderations", {"input": "x"})
    assert SERVER.peek(request).model == "omni-moderation-latest"
    assert json.loads(edited(request).body) == {"input": "x", "model": "served"}
    body = form().replace(b'name="file"; filename="a.wav"', b'name="input"')
    moved = edited(asked("/moderations", body, TYPE)).body
    assert moved == b'--xyz\r\nContent-Disposition: form-data; name="model"\r\n\r\nserved\r\n' + body


@pytest.mark.parametrize(
    ("path", "body", "content_type", "envelope"),
    [
        ("/completions", {"model": "m", "stream": True, "max_tokens": 9, "n": 2}, "application/json", (True, 9, 2)),
        ("/embeddings", {"model": "m", "max_tokens": "any"}, "application/json", (False, None, 1)),
        ("/audio/speech", {"model": "m", "stream_format": "sse"}, "application/json", (True, None, 1)),
        ("/audio/speech", {"model": "m", "response_format": "mp3"}, "application/json", (False, None, 1)),
        ("/images/edits", form(model="m", stream="true", n="3"), TYPE, (True, None, 3)),
        ("/images/edits", form(model="m", stream="False", n="²"), TYPE, (False, None, 1)),
    ],
)
def test_the_envelope_is_read_from_json_and_forms(
    path: str, body: object, content_type: str, envelope: tuple[bool, int | None, int]
) -> None:
    found = SERVER.peek(asked(path, body, content_type))
    assert (found.model, found.stream, found.max_output, found.choices) == ("m", *envelope)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b"{}", "model"),
        (b'{"model": 7}', "model"),
        (b'{"model": "m", "stream": "yes"}', "stream"),
        (b'{"model": "m", "n": 1e400}', "n"),
        (b'{"model": "\\ud83d"}', None),
        (b'{"model": "\xff"}', None),
        (b"[" * 100_000, None),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(body: bytes, param: str | None) -> None:
    with pytest.raises(BadCall) as refused:
        SERVER.peek(asked("/embeddings", body))
    assert refused.value.param == param


def test_usage_is_asked_for_where_a_completion_is_streamed_and_hidden_if_the_client_did_not() -> None:
    body = {"model": "m", "prompt": "x", "stream": True}
    encoded = edited(asked("/completions", body))
    assert (json.loads(encoded.body)["stream_options"], encoded.usage_asked) == ({"include_usage": True}, True)
    own = edited(asked("/completions", body | {"stream_options": {"include_usage": True}}))
    assert own.usage_asked is False
    kept = edited(asked("/completions", body | {"stream_options": {"x": 1}}))
    assert json.loads(kept.body)["stream_options"] == {"x": 1, "include_usage": True}
    assert "stream_options" not in json.loads(edited(asked("/completions", body), stream_options=False).body)
    assert "stream_options" not in json.loads(edited(asked("/images/generations", body)).body)
    assert "stream_options" not in json.loads(edited(asked("/completions", body), Edit("m", usage=False)).body)


def test_an_agents_parameters_go_into_completions_and_are_lost_elsewhere() -> None:
    edit = Edit(
        "served",
        instructions="Be brief.",
        defaults={"temperature": Raw(b"0.5"), "max_output_tokens": Raw(b"9"), "reasoning_effort": Raw(b'"low"')},
        locked=frozenset({"temperature"}),
        set={"x": Raw(b"1")},
        drop=frozenset({"y"}),
    )
    body = {"model": "m", "temperature": 1, "y": 2}
    completion = edited(asked("/completions", body), edit)
    assert json.loads(completion.body) == {"model": "served", "temperature": 0.5, "max_tokens": 9, "x": 1}
    assert completion.loss == ("instructions", "reasoning_effort")
    lost = ("instructions", "temperature", "max_output_tokens", "reasoning_effort")
    assert edited(asked("/embeddings", body), edit).loss == lost
    assert edited(asked("/audio/translations", form(model="m"), TYPE), edit).loss == (*lost, "x")


def test_members_that_the_upstream_refuses_are_left_out_and_named() -> None:
    encoded = edited(
        asked("/embeddings", {"model": "m", "user": "u", "input": "x"}), refused=frozenset({"user", "seed"})
    )
    assert (json.loads(encoded.body), encoded.loss) == ({"model": "served", "input": "x"}, ("user",))


def test_nothing_is_translated() -> None:
    request = asked("/embeddings", {"model": "m"})
    with pytest.raises(Unsupported):
        SERVER.decode(request)
    with pytest.raises(Unsupported):
        CLIENT.decoder(TARGET, True)
    with pytest.raises(Unsupported):
        SERVER.encode_models([], request)
