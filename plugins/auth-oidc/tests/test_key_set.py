"""What a provider publishes, as keys."""

from __future__ import annotations

import contextlib
import json

import pytest
from gateway_auth_oidc.key_set import MOST_KEYS, KeySet
from gateway_auth_oidc.settings import OF_LIBRECHAT
from hypothesis import given, settings
from hypothesis import strategies as st
from openid_issuer import SigningKey

RSA, CURVE = SigningKey("rsa", "RS256"), SigningKey("curve", "ES256")


def published(*keys: object) -> bytes:
    return json.dumps({"keys": keys}).encode()


def read(*keys: object) -> KeySet:
    return KeySet.read(published(*keys), OF_LIBRECHAT)


def test_keys_are_found_by_id_and_algorithm() -> None:
    keys = read(RSA.jwk(), CURVE.jwk())
    for algorithm in ("RS256", "RS512", "PS384"):
        assert [key.id for key in keys.fitting("rsa", algorithm)] == ["rsa"]
    assert [key.id for key in keys.fitting("curve", "ES256")] == ["curve"]
    assert not keys.fitting("curve", "ES384")
    assert not keys.fitting("curve", "RS256")
    assert not keys.fitting("other", "RS256")
    assert [key.id for key in keys.fitting("", "RS256")] == ["rsa"]


@pytest.mark.parametrize(
    "key",
    [
        RSA.private_jwk(),
        CURVE.private_jwk(),
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa", "alg": "HS256"},
        {"kty": "oct", "k": "c2VjcmV0", "kid": "rsa", "alg": "RS256"},
        RSA.jwk(use="enc"),
        RSA.jwk(key_ops=["encrypt"]),
        RSA.jwk(alg="RSA-OAEP"),
        RSA.jwk(alg="HS256"),
        RSA.jwk(alg="ES256"),
        RSA.jwk(alg="none"),
        CURVE.jwk(alg="RS256"),
        CURVE.jwk(crv="P-384"),
        CURVE.jwk(x="AAAA"),
        {**CURVE.jwk(), "crv": "secp256k1", "alg": "ES256K"},
        SigningKey("rsa", "EdDSA").jwk(),
        {"kty": "RSA", "kid": "rsa"},
        {"kty": "RSA", "kid": "rsa", "n": 7, "e": []},
        {"kty": "RSA", "kid": "rsa", "n": "!", "e": "AQAB"},
        {"kid": "rsa"},
        {"kty": 7},
        [],
        None,
    ],
)
def test_what_is_no_public_key_for_an_allowed_algorithm_is_passed_over(key: object) -> None:
    with pytest.raises(ValueError, match="no key among them"):
        read(key)
    assert read(key, RSA.jwk(kid="good")).fitting("", "RS256")[0].id == "good"


def test_no_more_keys_are_read_than_a_provider_has() -> None:
    with pytest.raises(ValueError, match="no key among them"):
        read(*({"kty": "none"} for _ in range(MOST_KEYS)), RSA.jwk())


SIMPLE = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["RSA", "EC", "P-256", "RS256"])
)
ANYTHING = SIMPLE | st.lists(SIMPLE, max_size=2) | st.dictionaries(st.text(max_size=2), SIMPLE, max_size=2)
MEMBERS = ("kty", "kid", "use", "alg", "crv", "key_ops", "n", "e", "x", "y", "d")


@settings(deadline=None)
@given(st.sampled_from([RSA.jwk(), CURVE.jwk()]), st.dictionaries(st.sampled_from(MEMBERS), ANYTHING, max_size=3))
def test_whatever_a_key_is_it_is_read_or_said_to_be_none(key: dict[str, object], more: dict[str, object]) -> None:
    read_or_said_to_be_none(published({**key, **more}))


@settings(deadline=None)
@given(st.binary() | st.binary().map(lambda body: b'{"keys":[' + body + b"]}"))
def test_whatever_is_published_it_is_read_or_said_to_be_none(body: bytes) -> None:
    read_or_said_to_be_none(body)


def read_or_said_to_be_none(body: bytes) -> None:
    with contextlib.suppress(ValueError):
        assert KeySet.read(body, OF_LIBRECHAT).fitting("", "RS256") is not None
