"""What settings say of an endpoint, and what is wrong with it."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from gateway import AllEndpoints, Egress, Principal, Secret, ServiceKey, Services, Settings
from gateway.endpoint import Unusable
from gateway.endpoint.reading import (
    address,
    base_url,
    header_templates,
    resolved,
    service_key,
    token_source,
    url_name,
)

CANARY = "canary-of-a-key"
SETTINGS = Settings(
    {AllEndpoints: AllEndpoints(headers={"X-All": Secret("all")})}, {"HOST": " h ", "V": "v"}, frozenset()
)
PEM = json.dumps({"client_email": "e", "private_key": CANARY, "token_uri": "https://t"})


def test_variables_are_put_in() -> None:
    assert resolved(SETTINGS, "a.b", " http://${HOST} ") == "http:// h"


def test_a_base_url_is_the_variables_else_the_sections() -> None:
    assert base_url(SETTINGS, "V", "a.baseURL", "https://${HOST}") == ("V", "v")
    assert base_url(SETTINGS, "NONE", "a.baseURL", "${V}/x") == ("a.baseURL", "v/x")


def test_headers_of_all_endpoints_and_ours_stand_behind_the_endpoints_own() -> None:
    own = {"X-Own": Secret("${V}"), "Authorization": Secret("theirs")}
    made = header_templates(SETTINGS, "a.headers", own, {"authorization": "ours", "x-org": "o"}, {})
    expected = {"x-all": "all", "x-own": "v", "authorization": "theirs", "x-org": "o"}
    assert made.fill(Principal(user_id="", role="")) == expected


def test_a_key_file_is_read() -> None:
    key = service_key("KEY_FILE", PEM)
    assert key.client_email == "e"
    assert CANARY not in repr(key)


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda: resolved(SETTINGS, "a.b", "${NONE}"), "a.b: the variable NONE is not set"),
        (lambda: base_url(SETTINGS, "NONE", "a.baseURL", "${NO}"), "a.baseURL: the variable NO is not set"),
        (lambda: address("V", "v"), "V: it is not a URL that starts with http:// or https:// and names a host"),
        (
            lambda: header_templates(SETTINGS, "a.headers", {"x": Secret("${N}")}, {}, {}),
            "a.headers: the variable N is",
        ),
        (
            lambda: header_templates(SETTINGS, "a.headers", {"x": Secret(CANARY + "\n1")}, {}, {}),
            "a.headers.x: the value",
        ),
        (lambda: header_templates(SETTINGS, "a.headers", {"x y": Secret(CANARY)}, {}, {}), "a.headers.x y: the name"),
        (
            lambda: header_templates(SETTINGS, "a.headers", {}, {"key": CANARY + "\n1"}, {"key": "KEY"}),
            "KEY: the value",
        ),
        (lambda: url_name("PROJECT", ""), "PROJECT: it is not set, and"),
        (lambda: service_key("KEY_FILE", '{"private_key": "' + CANARY + '"}'), "KEY_FILE: it is no key file"),
        (lambda: service_key("KEY_FILE", "/nowhere/at/all"), "KEY_FILE: it is neither JSON nor base64"),
    ],
)
def test_what_cannot_be_used_is_named_and_no_secret_shown(read: Callable[[], object], said: str) -> None:
    with pytest.raises(Unusable) as caught:
        read()
    assert str(caught.value).startswith(said)
    assert CANARY not in str(caught.value)
    assert caught.value.todo


@pytest.mark.parametrize("name", ["a", "us-east5", "example.com:my-project", "p_1", "A1"])
def test_names_of_places_are_letters_digits_and_a_few_signs(name: str) -> None:
    assert url_name("PLACE", name) == name


@pytest.mark.parametrize(
    "name", ["a/b", "..", "a?b", "a#b", "a@evil.example", "a\n", "-a", "a.", "ü", "a b", "a\\b", "%2e"]
)
def test_a_name_that_would_lead_elsewhere_is_none(name: str) -> None:
    with pytest.raises(Unusable, match="PLACE: it has characters that such a name does not have"):
        url_name("PLACE", name)


def test_a_key_that_is_none_gives_no_tokens_and_is_not_shown() -> None:
    upstream: Any = None
    services = Services(upstream, Egress(), None, lambda: 0.0, logging.getLogger("test.reading"))
    with pytest.raises(Unusable) as caught:
        token_source(services, "mine", ServiceKey.read(PEM), "scope")
    assert str(caught.value).startswith("the service account's key: its private_key is no private key")
    assert CANARY not in str(caught.value)
