"""wire.refusals: words and codes are found in every shape, and the time to come again in every form."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import UpstreamBroken, UpstreamRefused
from gateway.wire import refusals
from gateway.wire.refusals import Said

NOW = "Wed, 21 Oct 2026 07:28:00 GMT"
THEN = "Wed, 21 Oct 2026 07:28:30 GMT"
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["error", "detail", "message", "msg", "loc", "code", "param"]), inner)
    ),
    max_leaves=12,
)


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"error": {"message": "No.", "code": "c", "param": "p"}}, Said("No.", "c", "p")),
        ([{"error": {"code": 400, "message": "No."}}], Said("No.", "400", None, 400)),
        ({"code": "bad", "error": "No."}, Said("No.", "bad")),
        ({"message": "No.", "status_code": 429}, Said("No.", None, None, 429)),
        ({"message": {"detail": [{"loc": ["body", 0], "msg": "No."}]}}, Said("body.0: No.")),
        ({"detail": [{"msg": "No."}, {"msg": "Never."}, 7]}, Said("No.; Never.")),
        ("No.", Said("No.")),
        ({"error": None, "message": 7, "code": True, "param": ""}, Said()),
        ([], Said()),
        (None, Said()),
    ],
)
def test_words_and_codes_are_found_in_every_shape(value, found):
    assert refusals.said(value) == found


def test_envelopes_within_envelopes_come_to_an_end():
    value = {"message": "deep"}
    for _ in range(4):
        value = {"error": value}
    assert refusals.said(value) == Said()
    assert refusals.said(value["error"]) == Said("deep")


@given(anything)
def test_whatever_an_upstream_says_is_no_failure_of_ours(value):
    assert isinstance(refusals.said(value).message, str)


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (b" Bad gateway\n", "text/plain", "Bad gateway"),
        (b"\xff", "", "\ufffd"),
        (b"x" * 5000, "", "x" * refusals.TEXT_LIMIT),
        (b" <html>", "", ""),
        (b"No.", "text/html", ""),
        (b'{"a":', "", ""),
        (b"", "", ""),
    ],
)
def test_plain_text_is_taken_for_words_and_pages_are_not(body, kind, words):
    assert refusals.prose(body, {"Content-Type": kind}) == words


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"Retry-After": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1.0),
        ({"retry-after": THEN, "date": NOW}, 30.0),
        ({"retry-after": NOW, "date": THEN}, 0.0),
        ({"retry-after": THEN}, None),
        ({"retry-after": THEN, "date": "now"}, None),
        ({"retry-after": "soon", "date": NOW}, None),
        ({"retry-after": "-1", "date": NOW}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_when_to_come_again_is_told_in_seconds(headers, seconds):
    assert refusals.retry_after(headers) == seconds


def test_a_refusal_has_the_words_the_codes_and_the_body_as_it_came():
    headers = {"Content-Type": "application/json", "Retry-After": "7"}
    error = refusals.refused(Said("No.", "c", "p"), 429, headers, b"{}")
    assert (error.public, error.upstream_status, error.code, error.param) == ("No.", 429, "c", "p")
    assert (error.body, error.content_type, error.retry_after) == (b"{}", "application/json", 7.0)


@pytest.mark.parametrize(
    ("body", "words"), [(b"Go away.\n", "Go away."), (b"{}", "The upstream answered with status 503.")]
)
def test_a_refusal_without_a_message_says_its_plain_text_or_its_status(body, words):
    assert refusals.refused(Said(), 503, {}, body).public == words
    assert refusals.wordless(503, {}, body) == words


@pytest.mark.parametrize(("headers", "seconds"), [({}, 9.0), ({"retry-after": "0"}, 0.0)])
def test_headers_say_when_to_come_again_before_the_error_itself_does(headers, seconds):
    assert refusals.refused(Said(retry_after=9.0), 429, headers, b"").retry_after == seconds


def test_an_error_within_a_reply_that_has_a_status_is_a_refusal():
    error = refusals.in_band(Said("Slow down.", "c", "p", 429, 9.0))
    assert isinstance(error, UpstreamRefused)
    assert (error.public, error.upstream_status, error.code, error.param) == ("Slow down.", 429, "c", "p")
    assert error.retry_after == 9.0


@pytest.mark.parametrize("status", [None, 0, 200, 600])
def test_any_other_error_within_a_reply_is_a_fault_of_the_reply(status):
    error = refusals.in_band(Said("", "c", "p", status))
    assert isinstance(error, UpstreamBroken)
    assert (error.public, error.code, error.param) == ("The upstream reported an error within its reply.", "c", "p")
