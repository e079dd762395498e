"""Forms that go upstream while they arrive."""

from __future__ import annotations

import select
import socket
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest

from gateway.testing import fake_upstream
from gateway.testing.beside import Beside
from gateway.testing.running import RunningGateway

CONFIG = """
version: 1.3.5
endpoints:
  custom:
    - {{name: place, apiKey: sk-upstream, baseURL: "{url}/v1", models: {{default: [whisper]}}}}
    - {{name: other, apiKey: sk-upstream, baseURL: "{url}/v2", models: {{default: [whisper]}}}}
gateway:
  limits: {{body: 4000000, bodies: 4000000}}
  routes:
    - {{name: heard, targets: [{{model: place/whisper}}, {{model: other/whisper}}]}}
"""
PATH = "/audio/transcriptions"
SOUND = bytes(range(256)) * 12000
SMALL = SOUND[:100_000]
ANSWER = b'{"text":"Hello."}'


def field(name: str, value: str) -> bytes:
    return f'--xyz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()


def file(content: bytes) -> bytes:
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav\r\n\r\n'
    return head + content + b"\r\n"


END = b"--xyz--\r\n"
MODEL, SENT_MODEL = field("model", "place/whisper"), field("model", "whisper")


@pytest.fixture(scope="module")
def gateway(served: Beside, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningGateway]:
    config = CONFIG.format(url=served.upstream.url)
    with RunningGateway(tmp_path_factory.mktemp("uploads"), config) as running:
        yield running


@pytest.fixture
def upstream(served: Beside) -> Any:
    served.upstream.arrived.clear()
    served.upstream.answer("/v1" + PATH, fake_upstream.json(ANSWER))
    served.upstream.answer("/v2" + PATH, fake_upstream.json(ANSWER))
    return served.upstream


class Uploading:
    """A form on its way, written by hand."""

    def __init__(self, gateway: RunningGateway, length: int | None) -> None:
        host, port = gateway.url.removeprefix("http://").split(":")
        self.chunked = length is None
        self.sock = socket.create_connection((host, int(port)), timeout=20)
        framing = "Transfer-Encoding: chunked" if length is None else f"Content-Length: {length}"
        lines = [
            f"POST /v1{PATH} HTTP/1.1",
            "Host: x",
            f"Authorization: Bearer {gateway.key}",
            "Content-Type: multipart/form-data; boundary=xyz",
            framing,
            "Connection: close",
        ]
        self.sock.sendall("\r\n".join(lines).encode() + b"\r\n\r\n")

    def send(self, data: bytes) -> None:
        self.sock.sendall(b"%x\r\n%b\r\n" % (len(data), data) if self.chunked else data)

    def answer(self) -> tuple[int, bytes]:
        if self.chunked:
            self.sock.sendall(b"0\r\n\r\n")
        return self.read()

    def read(self) -> tuple[int, bytes]:
        got = bytearray()
        while piece := self.sock.recv(65536):
            got += piece
        head, _, body = bytes(got).partition(b"\r\n\r\n")
        return int(head.split(b" ", 2)[1]), body


Begin = Callable[[int | None], Uploading]


@pytest.fixture
def begin(gateway: RunningGateway) -> Iterator[Begin]:
    begun: list[Uploading] = []

    def start(length: int | None) -> Uploading:
        begun.append(Uploading(gateway, length))
        return begun[-1]

    yield start
    for one in begun:
        with closing(one.sock):
            pass


@pytest.mark.parametrize("chunked", [False, True])
def test_what_is_there_goes_upstream_before_the_rest_has_come(
    begin: Begin, served: Beside, upstream: Any, chunked: bool
) -> None:
    whole = MODEL + file(SMALL) + field("language", "de") + END
    upload = begin(None if chunked else len(whole))
    upload.send(whole[:70_000])
    upload.send(whole[70_000:90_000])
    arrived = served.wait(upstream.arrival())
    begun = served.wait(arrived.received(50_000))
    assert begun.startswith(SENT_MODEL + file(SMALL)[:1000])
    upload.send(whole[90_000:])
    assert upload.answer() == (200, ANSWER)
    assert arrived.body == SENT_MODEL + whole[len(MODEL) :]
    assert arrived.headers.get("Content-Length") == (None if chunked else str(len(whole) - len("place/")))


def test_what_is_passed_on_is_not_held(begin: Begin, served: Beside, upstream: Any) -> None:
    """Two of them hold more than a worker may."""
    whole = MODEL + file(SOUND) + END
    uploads = [begin(len(whole)), begin(len(whole))]
    for count, upload in enumerate(uploads, 1):
        upload.send(whole[:-5])
        served.wait(served.wait(upstream.arrival(count)).received(2_500_000))
    for upload in uploads:
        upload.send(whole[-5:])
        assert upload.answer() == (200, ANSWER)
    assert [one.body for one in upstream.arrived] == [SENT_MODEL + file(SOUND) + END] * 2


def test_files_before_the_model_are_held(begin: Begin, upstream: Any) -> None:
    """Whichever of two comes to more than a worker may hold is refused."""
    whole = file(SOUND) + MODEL + END
    uploads = [begin(len(whole)), begin(len(whole))]
    for upload in uploads:
        upload.send(whole[:-5])
    [answered], _, _ = select.select([upload.sock for upload in uploads], [], [], 20)
    [refused] = [upload for upload in uploads if upload.sock is answered]
    [taken] = [upload for upload in uploads if upload is not refused]
    status, told = refused.read()
    assert status == 503
    assert b"Too many large requests" in told
    taken.send(whole[-5:])
    assert taken.answer() == (200, ANSWER)
    assert [one.body for one in upstream.arrived] == [file(SOUND) + SENT_MODEL + END]


@pytest.mark.parametrize(
    ("rest", "told"),
    [
        (field("model", "large") + END, b"`model` is given more than once"),
        (field("model", "large").rstrip(), b"it has no end"),
        (field("model", "large") + b"--xyz-", b"it has no end"),
        (b"\n--xyz\r\nContent-Disposition: form-data; name=model\r\n\r\nlarge\r\n" + END, b"boundary stands in a part"),
        (END + field("model", "large"), b"its boundary stands behind its end"),
    ],
)
@pytest.mark.parametrize("chunked", [False, True])
def test_what_would_name_another_model_never_reaches_the_upstream_whole(
    begin: Begin, served: Beside, upstream: Any, rest: bytes, told: bytes, chunked: bool
) -> None:
    beginning = MODEL + file(SMALL)
    upload = begin(None if chunked else len(beginning + rest))
    upload.send(beginning)
    arrived = served.wait(upstream.arrival())
    upload.send(rest)
    status, said = upload.answer()
    assert status == 400
    assert told in said
    served.wait(arrived.gone.wait())
    assert not arrived.answered.is_set()


def test_an_upload_that_grows_too_large_ends_on_both_sides(begin: Begin, served: Beside, upstream: Any) -> None:
    upload = begin(None)
    upload.send(MODEL + file(SMALL))
    arrived = served.wait(upstream.arrival())
    upload.send(file(SOUND))
    upload.send(file(SOUND)[:1_000_000])
    status, told = upload.read()
    assert status == 413
    assert b"gateway.limits.body" in told
    served.wait(arrived.gone.wait())


def test_a_client_that_leaves_in_mid_upload_cancels_the_upstream(begin: Begin, served: Beside, upstream: Any) -> None:
    upload = begin(10**6)
    upload.send(MODEL + file(SMALL))
    arrived = served.wait(upstream.arrival())
    upload.sock.close()
    served.wait(arrived.gone.wait())


def test_a_refusal_in_mid_upload_reaches_the_client(begin: Begin, served: Beside, upstream: Any) -> None:
    error = b'{"error":{"message":"No such language","type":"invalid_request_error","param":null,"code":null}}'
    script = fake_upstream.stream(error, status=400, content_type="application/json", early=True)
    upstream.answer("/v1" + PATH, script)
    whole = MODEL + file(SMALL) + END
    upload = begin(len(whole))
    upload.send(whole[:50_000])
    served.wait(served.wait(upstream.arrival()).answered.wait())
    upload.send(whole[50_000:])
    assert upload.read() == (400, error)


def test_a_route_that_may_need_it_again_holds_it(begin: Begin, upstream: Any) -> None:
    upstream.answer("/v1" + PATH, fake_upstream.json({"error": {"message": "down"}}, 503))
    whole = field("model", "heard") + file(SMALL) + field("language", "de") + END
    upload = begin(len(whole))
    upload.send(whole[:50_000])
    upload.send(whole[50_000:])
    assert upload.answer() == (200, ANSWER)
    assert [one.path for one in upstream.arrived] == ["/v1" + PATH, "/v1" + PATH, "/v2" + PATH]
    assert {one.body for one in upstream.arrived} == {SENT_MODEL + whole[len(field("model", "heard")) :]}
