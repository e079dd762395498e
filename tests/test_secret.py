"""secret: it does not print, whatever one does to it."""

import copy
import json
import logging
import pickle
import traceback

import msgspec
import pytest

from gateway import Credential, Secret

CANARY = "sk-canary-0123456789abcdef"


def shown(secret):
    yield repr(secret)
    yield str(secret)
    yield f"{secret}"
    yield f"{secret!r:>40}"
    yield f"{secret:>40}"
    yield "{:s}".format(secret)  # noqa: UP032
    yield "%s %r" % (secret, [secret])  # noqa: UP031
    yield repr({"key": secret, "nested": (secret,)})
    yield repr(Credential("bearer", secret))
    yield str(dir(secret)) + str(getattr(secret, "__dict__", ""))


def test_no_way_of_printing_shows_it():
    for text in shown(Secret(CANARY)):
        assert CANARY not in text
        assert CANARY[:10] not in text


def test_reveal_is_the_way_to_its_text():
    assert Secret(CANARY).reveal() == CANARY


def test_a_log_line_and_a_traceback_do_not_show_it(caplog):
    secret = Secret(CANARY)
    try:
        raise ValueError(secret)
    except ValueError:
        logging.getLogger("test").exception("failed with %s", secret)
        told = traceback.format_exc()
    assert CANARY not in told + caplog.text
    assert "***" in caplog.text


@pytest.mark.parametrize("dump", [pickle.dumps, copy.deepcopy, json.dumps, msgspec.json.encode, msgspec.to_builtins])
def test_it_cannot_be_dumped(dump):
    with pytest.raises(TypeError):
        dump(Secret(CANARY))


def test_it_compares_by_text_and_with_secrets_only():
    assert Secret("a") == Secret("a")
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"
    assert Secret("ä") == Secret("ä")
    assert len({Secret("a"), Secret("a"), Secret("b")}) == 2


def test_an_empty_secret_is_false():
    assert not Secret("")
    assert Secret("a")
