"""Odd bodies for the APIs beside chat: JSON of wrong types, and forms that two readers could read in two ways."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.testing.fake_upstream import FakeUpstream, Script, stream
from gateway.testing.fake_upstream import json as whole
from gateway.testing.running import RunningGateway

BODIES: dict[str, dict[str, Any]] = {
    "/v1/embeddings": {"input": "Hi", "dimensions": 4, "encoding_format": "float"},
    "/v1/completions": {"prompt": "Hi", "max_tokens": 4, "n": 1, "stream": False, "stream_options": None},
    "/v1/moderations": {"input": ["Hi"]},
    "/v1/rerank": {"query": "Hi", "documents": ["a", "b"], "top_n": 1},
    "/v1/embed": {"texts": ["Hi"], "input_type": "search_query"},
    "/v1/images/generations": {"prompt": "Hi", "n": 1, "size": "1x1", "stream": False},
    "/v1/images/edits": {"prompt": "Hi", "images": [{"image_url": "x"}]},
    "/v1/audio/speech": {"input": "Hi", "voice": "alloy", "response_format": "mp3", "stream_format": "audio"},
}
FORMS = ("/v1/audio/transcriptions", "/v1/audio/translations", "/v1/images/edits", "/v1/images/variations")
WRONG: tuple[Any, ...] = (None, True, 0, -1, 1.5, 10**400, "", "x", [], {}, [[]], [None], [{}], {"": None}, {"x": {}})
MODEL, OTHER = b"media/m", b"others/m"
TYPE = "multipart/form-data; boundary=xyz"


@pytest.fixture(scope="module")
def gateway(upstream: FakeUpstream, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    for path in {*BODIES, *FORMS}:
        upstream.answer(path, whole({"data": [], "usage": {"prompt_tokens": 1, "total_tokens": 1}}))
    far = {"apiKey": "k", "baseURL": upstream.url + "/v1", "models": {"default": ["m"]}}
    config = {
        "version": "1.3.17",
        "endpoints": {"custom": [{"name": "media", **far}, {"name": "others", **far}]},
        "gateway": {
            "limits": {"body": 2**20},
            "agents": [
                {"id": "agent_echo", "endpoint": "echo", "model": "echo"},
                {"id": "agent_media", "endpoint": "media", "model": "m", "instructions": "Be kind."},
            ],
        },
    }
    with RunningGateway(tmp_path_factory.mktemp("hostile"), json.dumps(config)) as running:
        yield running


def form(*parts: tuple[bytes, bytes], boundary: bytes = b"xyz") -> bytes:
    """Of header lines and contents."""
    said = b"".join(b"--%b\r\n%b\r\n\r\n%b\r\n" % (boundary, head, content) for head, content in parts)
    return said + b"--%b--\r\n" % boundary


def field(name: bytes, more: bytes = b"") -> bytes:
    return b'Content-Disposition: form-data; name="%b"%b' % (name, more)


FILE = (field(b"file", b'; filename="a.wav"') + b"\r\nContent-Type: audio/wav", bytes(range(256)))
NAMED = (field(b"model"), MODEL)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize("model", ["media/m", "agent_media"])
def test_a_member_of_the_wrong_type_is_named_or_passed_on(caller: Any, path: str, model: str) -> None:
    for member in ("model", *BODIES[path], "unheard_of"):
        for wrong in WRONG:
            came = caller.post(path, {"model": model, **BODIES[path], member: wrong})
            came.accepted_or_refused()
            if came.status == 400:
                assert member in came.json["error"]["message"], (member, wrong, came.body)


@pytest.mark.parametrize("path", BODIES)
@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"7",
        b'{"model": "media/m"} {}',
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"\xff",
        b"\0" * 9,
    ],
    ids=repr,
)
def test_a_body_that_is_no_json_is_a_400(caller: Any, path: str, raw: bytes) -> None:
    caller.post(path, raw[:60_000]).refused(400)


@pytest.mark.parametrize("path", BODIES)
def test_who_does_not_have_the_api_says_so(caller: Any, path: str) -> None:
    came = caller.post(path, {"model": "agent_echo", **BODIES[path]})
    assert path.removeprefix("/v1") in came.refused(422)


@pytest.mark.parametrize("path", BODIES)
def test_a_second_model_arrives_as_one(caller: Any, upstream: FakeUpstream, path: str) -> None:
    rest = json.dumps(BODIES[path])[1:]
    came = caller.post(path, b'{"model":"agent_echo","mod\\u0065l":"media/m",' + rest.encode())
    assert came.status == 200, came.body
    raw = upstream.arrived[-1].body
    assert json.loads(raw, object_pairs_hook=lambda pairs: [name for name, _ in pairs]).count("model") == 1
    assert json.loads(raw)["model"] == "m"


# Forms


@pytest.mark.parametrize("path", FORMS)
def test_a_form_arrives_as_it_was_sent_but_for_the_model(caller: Any, upstream: FakeUpstream, path: str) -> None:
    for parts in ((FILE, NAMED), (NAMED, FILE), ((field(b"n"), b"1"), NAMED, (field(b"\xc3\xa9"), b"\xff"), FILE)):
        came = caller.post(path, form(*parts), **{"content-type": TYPE})
        assert came.status == 200, came.body
        assert upstream.arrived[-1].body == form(*parts).replace(MODEL, b"m")
        assert upstream.arrived[-1].headers["content-type"] == TYPE


def test_a_boundary_may_be_quoted_and_long(caller: Any, upstream: FakeUpstream) -> None:
    boundary = b"(a b)'+_,-./:=?" + b"z" * 50
    sent = form(NAMED, FILE, boundary=boundary)
    came = caller.post(FORMS[0], sent, **{"content-type": f'multipart/form-data; boundary="{boundary.decode()}"'})
    assert came.status == 200, came.body
    assert upstream.arrived[-1].body == sent.replace(MODEL, b"m")


AMBIGUOUS = {
    "two models": form(NAMED, (field(b"model"), OTHER), FILE),
    "a model in another case": form(NAMED, (b'content-disposition: FORM-DATA; NAME="model"', OTHER)),
    "a model as a file": form((field(b"model", b'; filename="m"'), MODEL), FILE),
    "two names": form((b'Content-Disposition: form-data; name="a"; name="model"', MODEL)),
    "two dispositions": form((field(b"a") + b"\r\n" + field(b"model"), MODEL)),
    "an extended name": form((b"Content-Disposition: form-data; name*=utf-8''model", MODEL)),
    "folded": form((b'Content-Disposition: form-data;\r\n name="model"', MODEL)),
    "line feeds": form(NAMED, FILE).replace(b"\r\n", b"\n"),
    "the boundary inside": form((field(b"file", b'; filename="a"'), b"x\r\n--xyzmore"), NAMED),
    "the boundary after a lone line feed": form((field(b"file", b'; filename="a"'), b"x\n--xyz\r\nq"), NAMED),
    "no end": form(NAMED, FILE)[:-8],
    "cut in a header": form(NAMED, FILE)[:30],
    "empty": b"",
    "no parts": b"--xyz--\r\n",
    "another boundary": form(NAMED, FILE, boundary=b"abc"),
    "no model": form(FILE),
    "base64": form((field(b"model") + b"\r\nContent-Transfer-Encoding: base64", b"bWVkaWEvbQ==")),
    "no header": form((b"", MODEL)),
    "a NUL": form((field(b"mod\0el"), MODEL)),
    "not UTF-8": form((field(b"model"), b"\xff\xfe")),
    "a header without end": b"--xyz\r\n" + b"A" * 100_000,
    "many parts": form(*[(field(b"a%d" % n), b"") for n in range(2000)], NAMED),
    "JSON": b'{"model": "media/m"}',
}


@pytest.mark.parametrize("what", AMBIGUOUS)
def test_a_form_that_could_be_read_in_two_ways_is_refused(caller: Any, upstream: FakeUpstream, what: str) -> None:
    before = len(upstream.arrived)
    caller.post(FORMS[0], AMBIGUOUS[what], **{"content-type": TYPE}).refused(400)
    assert len(upstream.arrived) == before


@pytest.mark.parametrize(
    "kind",
    [
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary="xyz',
        "multipart/form-data; boundary=" + "x" * 71,
        "multipart/form-data; boundary=a; boundary=xyz",
        "multipart/mixed; boundary=xyz",
        "application/x-www-form-urlencoded",
        "text/plain",
        "",
    ],
)
def test_a_form_under_another_type_is_refused(caller: Any, kind: str) -> None:
    caller.post(FORMS[0], form(NAMED, FILE), **{"content-type": kind}).refused(400)


@pytest.mark.parametrize("path", FORMS)
def test_a_file_beyond_the_limit_is_too_large(caller: Any, path: str) -> None:
    large = form(NAMED, (FILE[0], bytes(2**20)))
    assert caller.post(path, large, **{"content-type": TYPE}).status == 413


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    raw = form((field(b"file", b'; filename="a"'), draw(st.binary(max_size=40))), NAMED)
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(0, len(raw)))
        new = draw(st.sampled_from([b"", b"\r\n", b"--xyz", b"\r\n--xyz\r\n", b"\n", b'"', b";", b"--", b"\0"]))
        raw = raw[:at] + new + raw[at + draw(st.integers(0, 6)) :]
    return raw


def test_no_damage_to_a_form_is_a_fault_and_no_other_model_gets_through(
    caller: Any, upstream: FakeUpstream, gateway: RunningGateway
) -> None:
    @settings(max_examples=300, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(damaged())
    def check(raw: bytes) -> None:
        upstream.arrived.clear()
        came = caller.post(FORMS[0], raw, **{"content-type": TYPE})
        came.accepted_or_refused()
        if came.status == 200:
            assert upstream.arrived[-1].body.count(MODEL) < raw.count(MODEL)

    check()


# What comes back


REPLIES: dict[str, tuple[str, Script, int]] = {
    "sound": ("/v1/audio/speech", Script(200, {"content-type": "audio/mpeg"}, lambda: (b"\xff\xfb" * 99,)), 200),
    "words": ("/v1/audio/speech", Script(200, {"content-type": "text/plain"}, lambda: (b"\xff",)), 200),
    "no JSON": ("/v1/embeddings", whole(b"{"), 502),
    "a page": ("/v1/embeddings", Script(200, {"content-type": "text/html"}, lambda: (b"<p>",), whole=True), 502),
    "nothing": ("/v1/embeddings", whole(b""), 502),
    "a stream that was not asked for": ("/v1/embeddings", stream(b"data: {}\n\n", b"data: [DONE]\n\n"), 200),
    "refused": ("/v1/moderations", whole({"error": {"message": "No, not this."}}, 400), 400),
    "refused without words": ("/v1/moderations", whole(b"\xff", 503), 503),
}


@pytest.mark.parametrize("what", REPLIES)
def test_odd_replies_pass_or_are_the_upstreams_fault(
    caller: Any, upstream: FakeUpstream, calling: Callable[..., Any], what: str
) -> None:
    path, script, status = REPLIES[what]
    upstream.answer(path, script)
    came = caller.post(path, {"model": "media/m", **BODIES[path]})
    upstream.answer(path, whole({"data": []}))
    assert came.status == status, came.body
    if status in (200, 503):
        assert came.body == b"".join(step for step in script.steps() if isinstance(step, bytes))
    else:
        assert came.json["error"]["message"]
