"""The server half: operations, whose requests are its own, keys, models, counts."""

from __future__ import annotations

import json

import pytest
from anthropic.types import MessageTokensCount, ModelInfo

from gateway import Allowance, BadCall, Model, ModelFacts
from gateway.testing import replay

MODELS = [Model(f"e/m{n}", f"M{n}", created=1_753_000_000, facts=ModelFacts(200_000, 8_000)) for n in range(5)]


def listed(server, query="", models=MODELS):
    inbound = replay.inbound(server, b"", "/v1/models" + query, "GET", {"anthropic-version": "2023-06-01"})
    return json.loads(server.encode_models(models, inbound))


def test_it_serves_both_mounts(server):
    served = {(operation.kind, operation.method, operation.path) for operation in server.operations}
    assert served == {
        ("generate", "POST", "/messages"),
        ("count", "POST", "/messages/count_tokens"),
        ("models", "GET", "/models"),
        ("models", "GET", "/models/{id}"),
    }
    mounts = {mount.prefix for operation in server.operations for mount in operation.mounts}
    assert mounts == {"/v1", "/api/agents/v1"}


def test_lists_of_models_are_its_own_where_a_version_is_named(server):
    for path in ("/v1/models", "/v1/models/a/b"):
        assert not server.claims(replay.inbound(server, b"", path, "GET"))
        assert server.claims(replay.inbound(server, b"", path, "GET", {"anthropic-version": "2026-10-21"}))
    assert server.claims(replay.inbound(server, b"{}", "/v1/messages"))


@pytest.mark.parametrize(
    ("headers", "scheme", "key"),
    [
        ({"x-api-key": "k1"}, "header", "k1"),
        ({"authorization": "Bearer k2"}, "bearer", "k2"),
        ({"x-api-key": "k1", "authorization": "Bearer k2"}, "header", "k1"),
    ],
)
def test_a_key_comes_in_either_header(server, headers, scheme, key):
    credential = server.credential(replay.inbound(server, b"{}", headers=headers))
    assert (credential.scheme, credential.secret.reveal()) == (scheme, key)


def test_without_a_key_there_is_none(server):
    assert server.credential(replay.inbound(server, b"{}")) is None


def test_models_are_listed_as_the_vendors_client_reads_them(server):
    found = listed(server)
    entries = [ModelInfo.model_validate(entry) for entry in found["data"]]
    assert [entry.id for entry in entries] == [model.id for model in MODELS]
    assert (entries[0].display_name, entries[0].max_input_tokens, entries[0].max_tokens) == ("M0", 200_000, 8_000)
    assert found["data"][0]["created_at"] == "2025-07-20T08:26:40Z"
    assert (found["has_more"], found["first_id"], found["last_id"]) == (False, "e/m0", "e/m4")


def test_an_empty_list_has_no_ids(server):
    assert listed(server, models=[]) == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize(
    ("query", "names", "more"),
    [
        ("?limit=2", ["e/m0", "e/m1"], True),
        ("?limit=2&after_id=e/m1", ["e/m2", "e/m3"], True),
        ("?limit=2&after_id=e/m3", ["e/m4"], False),
        ("?limit=2&before_id=e/m3", ["e/m1", "e/m2"], True),
        ("?limit=9&before_id=e/m1", ["e/m0"], False),
    ],
)
def test_lists_come_in_pages(server, query, names, more):
    found = listed(server, query)
    assert [entry["id"] for entry in found["data"]] == names
    assert (found["has_more"], found["first_id"], found["last_id"]) == (more, names[0], names[-1])


@pytest.mark.parametrize("query", ["?limit=0", "?limit=x", "?limit=1001", "?limit=²", "?after_id=no", "?before_id=no"])
def test_a_page_that_is_not_there_is_refused(server, query):
    with pytest.raises(BadCall):
        listed(server, query)


def test_one_model_stands_alone(server):
    inbound = replay.inbound(server, b"", "/v1/models/e/m1", "GET")
    found = ModelInfo.model_validate_json(server.encode_models(MODELS[1:2], inbound))
    assert found.id == "e/m1"


def test_a_count_is_told(server):
    inbound = replay.inbound(server, b"{}", "/v1/messages/count_tokens")
    assert MessageTokensCount.model_validate_json(server.encode_count(7, inbound)).input_tokens == 7


def test_headers_about_the_operators_account_stay_inside(server):
    assert server.reply_headers == {"request-id"}


def test_what_limits_leave_is_told_in_the_vendors_headers(server):
    left = [Allowance("requests", 50, 49, 1.2, 1_700_000_000.5), Allowance("tokens", 1000, 0, 60, 1_700_000_000)]
    assert server.allowance_headers(left) == {
        "anthropic-ratelimit-requests-limit": "50",
        "anthropic-ratelimit-requests-remaining": "49",
        "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:22Z",
        "anthropic-ratelimit-tokens-limit": "1000",
        "anthropic-ratelimit-tokens-remaining": "0",
        "anthropic-ratelimit-tokens-reset": "2023-11-14T22:14:20Z",
    }
