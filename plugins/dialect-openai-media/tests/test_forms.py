"""Forms: where the parts are, and which forms are refused."""

from __future__ import annotations

import pytest
from gateway_dialect_openai_media.forms import FIELD_LIMIT, PARTS_LIMIT, Form, is_form, scan
from hypothesis import given
from hypothesis import strategies as st

from gateway import BadCall

TYPE = "multipart/form-data; boundary=xyz"


def part(name: str, content: bytes = b"v", more: str = "", head: bytes = b"") -> bytes:
    disposition = f'Content-Disposition: form-data; name="{name}"{more}'.encode()
    return b"--xyz\r\n" + disposition + b"\r\n" + head + b"\r\n" + content + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--xyz--\r\n"


FILE = part("file", b"RIFF\x00\xff\r\n--xy\r\n\r\n", '; filename="a.wav"', b"Content-Type: audio/wav\r\n")


def test_parts_are_found_where_they_stand() -> None:
    body = form(part("model", b"whisper-1"), FILE, part("prompt", "Grüße".encode()), part("empty", b""))
    found = scan(body, TYPE)
    assert [(one.name, one.file, body[one.start : one.end]) for one in found.parts] == [
        ("model", False, b"whisper-1"),
        ("file", True, b"RIFF\x00\xff\r\n--xy\r\n\r\n"),
        ("prompt", False, "Grüße".encode()),
        ("empty", False, b""),
    ]
    assert (found.field("prompt"), found.field("empty"), found.field("none")) == ("Grüße", "", None)
    assert found.text_bytes == len(b"whisper-1") + len("Grüße".encode())


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data; boundary=xyz",
        'multipart/form-data; boundary="xyz"',
        "Multipart/Form-Data;charset=utf-8 ; BOUNDARY=xyz;",
    ],
)
def test_the_boundary_is_read_however_it_is_written(content_type: str) -> None:
    assert is_form(content_type)
    assert [one.name for one in scan(form(part("model")), content_type).parts] == ["model"]


def test_a_preamble_padding_and_an_epilogue_are_no_parts() -> None:
    body = b"hello\r\n" + form(part("a").replace(b"--xyz", b"--xyz \t")) + b"bye"
    assert [one.name for one in scan(body, TYPE).parts] == ["a"]
    assert scan(body, TYPE).begin == len(b"hello\r\n")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/form-data", form(part("a"))),
        ("multipart/form-data; boundary=", form(part("a"))),
        ("multipart/form-data; boundary=a; boundary=xyz", form(part("a"))),
        ('multipart/form-data; boundary="xyz', form(part("a"))),
        (f"multipart/form-data; boundary={'x' * 71}", form(part("a"))),
        (TYPE, b""),
        (TYPE, b"no form"),
        (TYPE, part("a")),
        (TYPE, form(part("a"))[:-10]),
        (TYPE, form(part("a")).replace(b"\r\n", b"\n")),
        (TYPE, form(part("file", b"data\n--xyz\r\nContent-Disposition: form-data; name=model\r\n\r\nbig"))),
        (TYPE, form(part("file", b"data\r--xyz--"))),
        (TYPE, form(part("file", b"data\r\n--xyzzy\r\n"))),
        (TYPE, form(part("a")) + form(part("model"))),
        (TYPE, form(b"--xyz\r\n\r\nno header\r\n")),
        (TYPE, form(b"--xyz\r\nContent-Type: text/plain\r\n\r\nno name\r\n")),
        (TYPE, form(b"--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\nv\r\n")),
        (TYPE, form(part("a", more='; name="b"'))),
        (TYPE, form(part("a", more="; name*=utf-8''b"))),
        (TYPE, form(part("a", head=b"Content-Disposition: form-data; name=b\r\n"))),
        (TYPE, form(part("a", head=b" folded\r\n"))),
        (TYPE, form(part("a", head=b"X: " + b"y" * 2**15 + b"\r\n"))),
        (TYPE, form(*[part("a")] * (PARTS_LIMIT + 1))),
    ],
)
def test_a_form_that_another_reader_may_read_otherwise_is_refused(content_type: str, body: bytes) -> None:
    with pytest.raises(BadCall) as refused:
        scan(body, content_type)
    assert refused.value.code == "invalid_form"


@pytest.mark.parametrize(
    "parts",
    [
        (part("model", b"a"), part("model", b"b")),
        (part("model", b"a", '; filename="x"'),),
        (part("model", b"YQ==", head=b"Content-Transfer-Encoding: base64\r\n"),),
        (part("model", b"\xff"),),
        (part("model", b"x" * 5000),),
    ],
)
def test_a_field_that_cannot_be_told_is_refused_by_its_name(parts: tuple[bytes, ...]) -> None:
    body = form(*parts)
    with pytest.raises(BadCall) as refused:
        scan(body, TYPE).field("model")
    assert refused.value.param == "model"


def test_quotes_and_backslashes_in_names_are_read() -> None:
    body = form(part(r"a\"b\\c"), part("file", more='; filename="C:\\\\x.wav"'))
    assert [one.name for one in scan(body, TYPE).parts] == ['a"b\\c', "file"]


PIECES = st.sampled_from(
    [
        b"--xyz",
        b"--",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"model",
        b'Content-Disposition: form-data; name="model"',
        b"\r\n\r\n",
    ]
)


@given(st.lists(PIECES | st.binary(max_size=4), max_size=20).map(b"".join))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        found = scan(body, TYPE)
    except BadCall:
        return
    assert all(0 < one.start <= one.end <= len(body) for one in found.parts)
    assert all(b"\r\n--xyz" not in body[one.start : one.end] for one in found.parts)


def read_in(pieces: list[bytes]) -> Form:
    found = Form(TYPE)
    for piece in pieces:
        found.feed(piece)
    found.finish()
    return found


def told(pieces: list[bytes]) -> object:
    try:
        found = read_in(pieces)
    except BadCall as error:
        return (error.code, error.param)
    return (found.begin, found.parts, found.text_bytes, found.enough)


WHOLES = st.sampled_from(
    [
        form(part("model", b"m"), FILE, part("prompt", b"p" * (FIELD_LIMIT + 1))),
        b"before\r\n" + form(FILE, part("n", b"2"), part("model", b"m")) + b"behind",
        form(part("model", b"m"), FILE, part("model", b"n")),
        form(part("a"))[:-10],
        form(part("a")) + form(part("model")),
        part("file", b"data\n--xyz\r\n") + b"--xyz--",
        b"--xyz \t\r\n" + part("a")[7:] + b"--xyz--",
    ]
)


@given(WHOLES, st.lists(st.integers(0, 400), max_size=12).map(sorted))
def test_a_form_says_the_same_however_it_comes(whole: bytes, cuts: list[int]) -> None:
    pieces = [whole[start:end] for start, end in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    assert told(pieces) == told([whole]) == told([whole[at : at + 1] for at in range(len(whole))])


@given(st.lists(PIECES | st.binary(max_size=4), max_size=20))
def test_any_bytes_say_the_same_however_they_come(pieces: list[bytes]) -> None:
    assert told(pieces) == told([b"".join(pieces)])


def test_enough_is_known_once_the_model_is() -> None:
    found = Form(TYPE)
    known = []
    for piece in (part("language", b"de"), part("model", b"m"), b"--xyz\r\n", FILE[7:]):
        found.feed(piece)
        known.append(found.enough)
    assert known == [False, False, True, True]


def test_of_a_file_nothing_is_kept() -> None:
    found = Form(TYPE)
    found.feed(part("file", b"", '; filename="a.wav"')[:-2])
    for _ in range(100):
        found.feed(bytes(2**16))
    assert len(found._window) < 100
    found.feed(b"\r\n--xyz--")
    found.finish()
    assert found.parts[0].end - found.parts[0].start == 100 * 2**16
