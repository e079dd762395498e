"""Which tokens let in whom, and what is said to the others; nothing of a token is ever quoted."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import logging
from collections.abc import Callable
from typing import Any, get_args

import pytest
from gateway_auth_oidc.peek import LONGEST
from gateway_auth_oidc.settings import OF_LIBRECHAT, Algorithm, AuthOidc
from openid_door import Door, Open, inbound
from openid_issuer import OpenIdIssuer, SigningKey, compact, part

from gateway import Credential, Principal, Secret, Unauthenticated, Unavailable

ALL: tuple[Algorithm, ...] = get_args(Algorithm)


async def refused(door: Door, token: str, *, match: str, code: str = "invalid_token") -> None:
    """With 401 and these words, which quote nothing of the token."""
    with pytest.raises(Unauthenticated, match=match) as caught:
        await door.ask(token)
    assert (caught.value.status, caught.value.code) == (401, code)
    pieces = [piece for piece in token.split(".") if len(piece) > 8]
    said = caught.value.public
    assert not [piece for piece in pieces if piece[:8] in said]
    for piece in pieces[:2]:
        try:
            values = json.loads(base64.urlsafe_b64decode(piece + "==")).values()
        except ValueError:
            continue
        assert not [value for value in values if isinstance(value, str) and len(value) > 5 and value in said]


async def test_a_token_is_the_user_of_its_address(door: Door) -> None:
    principal = await door.ask(door.issuer.token())
    assert principal is not None
    assert principal == Principal(principal.user_id, "TEAM", "ann", "ann@example.org", ("ops",))
    assert principal.user_id.startswith("usr_")


@pytest.mark.parametrize("scheme", ["bearer", "header", "query"])
async def test_it_may_be_sent_wherever_a_key_may(door: Door, scheme: Any) -> None:
    credential = Credential(scheme, Secret(door.issuer.token()))
    assert await door.authenticator.authenticate(inbound(), credential)
    assert await door.authenticator.authenticate(inbound(), None) is None


@pytest.mark.parametrize("algorithm", ALL)
async def test_each_algorithm_that_is_allowed_lets_in(opened: Open, issuer: OpenIdIssuer, algorithm: Algorithm) -> None:
    door = opened(AuthOidc(algorithms=(algorithm,)))
    issuer.key = SigningKey("k", algorithm)
    issuer.publish(issuer.key)
    assert await door.ask(issuer.token())
    other = SigningKey("k", algorithm, number=1)
    if algorithm.startswith(("RS", "PS")):
        await refused(door, other.sign(issuer.claims()), match="signature is not its issuer's")


@pytest.mark.parametrize("algorithm", ALL)
async def test_what_is_not_allowed_does_not_though_the_provider_publishes_it(
    opened: Open, issuer: OpenIdIssuer, algorithm: Algorithm
) -> None:
    door = opened(AuthOidc(algorithms=tuple(one for one in ALL if one != algorithm)))
    issuer.publish(SigningKey("k", algorithm), issuer.key)
    token = SigningKey("k", algorithm).sign(issuer.claims())
    await refused(door, token, match=r"not signed in a way that is taken here: \w+, ")


def test_librechats_algorithms_are_taken_without_any_setting() -> None:
    assert AuthOidc().algorithms == OF_LIBRECHAT == tuple(one for one in ALL if one != "EdDSA")


Secrets = Callable[[SigningKey], bytes]
SECRETS: dict[str, Secrets] = {
    "the PEM": lambda key: key.pem(),
    "the PEM without its last line end": lambda key: key.pem().strip(),
    "the JWK": lambda key: json.dumps(key.jwk()).encode(),
    "the modulus": lambda key: str(key.jwk()["n"]).encode(),
    "nothing": lambda key: b"",
}


@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
@pytest.mark.parametrize("bits", [256, 384, 512])
async def test_a_public_key_is_no_secret_to_sign_with(door: Door, secret: Secrets, bits: int) -> None:
    key = door.issuer.key = SigningKey("k", "RS256")
    door.issuer.publish(key)

    def sign(signed: bytes) -> bytes:
        return hmac.digest(secret(key), signed, f"sha{bits}")

    for kid in ({"kid": "k"}, {}):
        token = compact({"alg": f"HS{bits}", "typ": "JWT", **kid}, door.issuer.claims(), sign)
        await refused(door, token, match="not signed in a way that is taken here")


@pytest.mark.parametrize("name", ["none", "None", "NONE", "nOnE", "", "HS256", "rs256", "ES256K", "RSA-OAEP", "x" * 99])
async def test_what_nobody_signed_lets_nobody_in(door: Door, name: str) -> None:
    for kid in ({"kid": door.issuer.key.id}, {}):
        token = compact({"alg": name, **kid}, door.issuer.claims())
        await refused(door, token, match="not signed in a way that is taken here")


async def test_a_key_checks_the_algorithms_of_its_kind_alone(door: Door) -> None:
    """A token that says it is of one algorithm is not checked by another's key, whatever `kid` it names."""
    rsa, curve = SigningKey("rsa", "RS256"), SigningKey("curve", "ES256")
    door.issuer.publish(rsa, curve)
    for key, kid, algorithm in ((rsa, "curve", "RS256"), (curve, "rsa", "ES256"), (curve, "curve", "ES384")):
        honest = key.sign(door.issuer.claims())
        _, body, signature = honest.split(".")
        head = part(json.dumps({"alg": algorithm, "kid": kid}).encode())
        await refused(door, f"{head}.{body}.{signature}", match="a key that its issuer does not publish")
        door.clock.go(10)


async def test_a_key_that_says_its_algorithm_is_for_no_other(door: Door) -> None:
    rsa = SigningKey("rsa", "RS256")
    door.issuer.upstream.answer("/jwks", whole_set(rsa.jwk(alg="PS512")))
    await refused(door, rsa.sign(door.issuer.claims()), match="a key that its issuer does not publish")


def whole_set(*jwks: object) -> Any:
    from gateway.testing.fake_upstream import json as whole

    return whole({"keys": jwks})


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
async def test_a_token_that_was_changed_lets_nobody_in(door: Door, algorithm: str) -> None:
    key = door.issuer.key = SigningKey("k", algorithm)
    door.issuer.publish(key)
    head, body, signature = door.issuer.token().split(".")
    richer = part(json.dumps(door.issuer.claims(email="root@example.org")).encode())
    flipped = bytearray(base64.urlsafe_b64decode(signature + "=="))
    flipped[len(flipped) // 2] ^= 1
    other_head = part(json.dumps({"alg": algorithm, "kid": "k", "typ": "other"}).encode())
    for token in (
        f"{head}.{richer}.{signature}",
        f"{head}.{body}.{part(bytes(flipped))}",
        f"{head}.{body}.{signature[:-8]}",
        f"{head}.{body}.",
        f"{head}.{body}.{part(bytes(len(flipped)))}",
        f"{other_head}.{body}.{signature}",
    ):
        await refused(door, token, match="signature is not its issuer's|malformed")
    assert await door.ask(f"{head}.{body}.{signature}")


async def test_keys_that_a_token_brings_are_not_read(door: Door) -> None:
    thief = SigningKey("theirs", "RS256", number=7)
    there = door.issuer.url + "/theirs"
    door.issuer.publish(thief, at="/theirs")
    for header in (
        {"jwk": thief.jwk()},
        {"jku": there},
        {"x5u": there},
        {"x5c": [base64.b64encode(thief.pem()).decode()]},
        {"jwk": thief.jwk(), "jku": there, "x5u": there},
    ):
        for kid in ("theirs", door.issuer.key.id, None):
            token = thief.sign(door.issuer.claims(), kid=kid, **header)
            await refused(door, token, match="a key that its issuer does not publish")
        honest = door.issuer.key.sign(door.issuer.claims(), **header)
        assert await door.ask(honest), "an honest one may have them, too"
        door.clock.go(10)
    assert door.issuer.asked("/theirs") == 0


@pytest.mark.parametrize("header", [{"crit": ["exp"], "exp": 1}, {"crit": ["b64"], "b64": False}, {"crit": []}])
async def test_what_a_token_calls_critical_and_is_not_known_is_not_passed_over(door: Door, header: Any) -> None:
    key = door.issuer.key

    def sign(signed: bytes) -> bytes:
        return base64.urlsafe_b64decode(key.sign({}).split(".")[2] + "==")

    token = compact({"alg": "ES256", "kid": key.id, **header}, door.issuer.claims(), sign)
    await refused(door, token, match="malformed|signature")


async def test_without_a_key_id_every_key_that_fits_is_tried(door: Door) -> None:
    old = door.issuer.rotate()
    for key in (old, door.issuer.key):
        assert await door.ask(key.sign(door.issuer.claims(), kid=None))
    stranger = SigningKey("first", number=9)
    await refused(door, stranger.sign(door.issuer.claims(), kid=None), match="signature is not its issuer's")


@pytest.mark.parametrize("kid", ["../../etc/passwd", "' OR 1=1 --", "first ", "FIRST", "\u0000", "x" * 5000])
async def test_a_key_id_is_compared_and_nothing_else(door: Door, kid: str) -> None:
    token = door.issuer.key.sign(door.issuer.claims(), kid=kid)
    await refused(door, token, match="a key that its issuer does not publish")


More = Callable[[int], dict[str, object]]
CLAIMS: dict[str, tuple[More, str]] = {
    "expired": (lambda now: {"exp": now - 31}, r"expired at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\. Get a new one"),
    "expired long ago": (lambda now: {"exp": -1e12}, "expired at a time that no calendar has"),
    "without an end": (lambda now: {"exp": None}, "never ends: it has no `exp`"),
    "ended by a word": (lambda now: {"exp": "tomorrow"}, "its `exp` is no time"),
    "ended by a number in quotes": (lambda now: {"exp": str(now + 600)}, "its `exp` is no time"),
    "ended by true": (lambda now: {"exp": True}, "its `exp` is no time"),
    "ended at a number beyond all": (lambda now: {"exp": 10**400}, "its `exp` is no time"),
    "not yet valid": (lambda now: {"nbf": now + 90}, r"not valid yet: it begins at \d{4}"),
    "issued in the future": (lambda now: {"iat": now + 90}, "which lies ahead: the clocks"),
    "begun by a list": (lambda now: {"nbf": [1]}, "its `nbf` is no time"),
    "for another": (lambda now: {"aud": "somebody-else"}, "not for this gateway"),
    "for others": (lambda now: {"aud": ["a", "b"]}, "not for this gateway"),
    "for a longer name": (lambda now: {"aud": "the-gateway-2"}, "not for this gateway"),
    "for a part of the name": (lambda now: {"aud": "the"}, "not for this gateway"),
    "for anybody": (lambda now: {"aud": None}, "not for this gateway"),
    "for nobody": (lambda now: {"aud": []}, "not for this gateway"),
    "for a mapping": (lambda now: {"aud": {"the-gateway": 1}}, "not for this gateway"),
    "of nobody": (lambda now: {"sub": None}, "names nobody"),
    "of an empty name": (lambda now: {"sub": " "}, "names nobody"),
    "of a number": (lambda now: {"sub": 7}, "malformed"),
    "of an address that is not known": (lambda now: {"email": "eve@example.org"}, "nobody here is known"),
    "of an address that is not verified": (lambda now: {"email_verified": False}, "not verified"),
    "of one that is not verified, in quotes": (lambda now: {"email_verified": "false"}, "not verified"),
}


@pytest.mark.parametrize(("more", "match"), CLAIMS.values(), ids=CLAIMS)
async def test_a_token_says_what_is_asked_for(door: Door, more: More, match: str) -> None:
    code = "token_expired" if "expired" in match else "invalid_token"
    await refused(door, door.issuer.token(**more(int(door.clock.epoch()))), match=match, code=code)
    assert await door.ask(door.issuer.token())


@pytest.mark.parametrize("end", [b"1e999", b"-1e999", b"1" + b"0" * 400])
async def test_an_end_that_never_comes_is_none(door: Door, end: bytes) -> None:
    claims = json.dumps(door.issuer.claims(exp=0)).encode().replace(b'"exp": 0', b'"exp": ' + end)
    assert end in claims
    await refused(door, door.issuer.key.sign_bytes(claims), match="its `exp` is no time")


async def test_clocks_may_differ_by_the_leeway_and_no_more(opened: Open, issuer: OpenIdIssuer) -> None:
    wide, narrow = opened(AuthOidc(leeway=120)), opened(AuthOidc(leeway=0))
    now = int(narrow.clock.epoch())
    for more in ({"exp": now - 100}, {"nbf": now + 100}, {"iat": now + 100}):
        assert await wide.ask(issuer.token(**more))
        with pytest.raises(Unauthenticated):
            await narrow.ask(issuer.token(**more))
    assert await narrow.ask(issuer.token(nbf=now, iat=now))


SCOPES: list[tuple[str, dict[str, object], bool]] = [
    ("", {}, True),
    ("agents", {}, False),
    ("agents", {"scope": "agents"}, True),
    ("agents", {"scope": "openid  agents\tx"}, True),
    ("agents", {"scope": "agents.read openid"}, False),
    ("agents", {"scope": ["openid", "agents"]}, True),
    ("agents", {"scope": ["openid agents"]}, True),
    ("agents", {"scp": ["agents"]}, True),
    ("agents", {"scp": "agents"}, True),
    ("agents", {"scp": "other", "scope": "agents"}, False),
    ("agents", {"scope": {"agents": True}}, False),
    ("agents", {"scope": [1, None]}, False),
    (" agents  chat ", {"scope": "chat agents"}, True),
    ("agents chat", {"scope": "agents"}, False),
]


@pytest.mark.parametrize(("wanted", "more", "well"), SCOPES)
async def test_all_scopes_are_asked_for(opened: Open, wanted: str, more: dict[str, object], well: bool) -> None:
    door = opened(scope=wanted)
    if well:
        assert await door.ask(door.issuer.token(**more))
        return
    with pytest.raises(Unauthenticated, match=r"lacks a scope that is asked for here: (agents|chat)") as caught:
        await door.ask(door.issuer.token(**more))
    assert caught.value.code == "insufficient_scope"


@pytest.mark.parametrize("written", ["", "/", "//", "/.well-known/openid-configuration"])
@pytest.mark.parametrize("said", ["", "/"])
async def test_the_issuers_name_may_end_in_a_slash(opened: Open, issuer: OpenIdIssuer, written: str, said: str) -> None:
    door = opened(issuer=issuer.url + written)
    issuer.discovered(issuer=issuer.url + said)
    assert await door.ask(issuer.token(iss=issuer.url + said))


FOREIGN: dict[str, Callable[[OpenIdIssuer], str]] = {
    "of another issuer": lambda issuer: issuer.token(iss="https://other.example"),
    "of a longer one": lambda issuer: issuer.token(iss=issuer.url + "/realms/x"),
    "of a shorter one": lambda issuer: issuer.token(iss=issuer.url[:-1]),
    "of none": lambda issuer: issuer.token(iss=None),
    "of a list": lambda issuer: compact({"alg": "ES256"}, issuer.claims(iss=[issuer.url])),
    "a key": lambda issuer: "sk-" + "0" * 64,
    "nothing": lambda issuer: "",
    "dots": lambda issuer: "..",
    "dots behind a letter": lambda issuer: "e..",
    "no JSON": lambda issuer: "eyJ.eyJ.x",
    "a list": lambda issuer: f"{part(b'[1]')}.{part(b'{}')}.x",
    "no text": lambda issuer: f"{part(b'{' + bytes([255]))}.{part(b'{}')}.x",
    "deep": lambda issuer: f"{part(b'{' + b'[' * 9000)}.{part(b'[' * 9000)}.x",
    "a header without an algorithm": lambda issuer: compact({"kid": "first"}, issuer.claims()),
    "a key id that is none": lambda issuer: compact({"alg": "ES256", "kid": ["first"]}, issuer.claims()),
    "a claim that is none": lambda issuer: compact({"alg": "ES256"}, "hello"),
    "four parts": lambda issuer: issuer.token() + ".x",
    "five parts, encrypted": lambda issuer: ".".join((part(b'{"alg":"RSA-OAEP"}'), "a", "b", "c", "d")),
    "two parts": lambda issuer: issuer.token().rpartition(".")[0],
    "other letters": lambda issuer: issuer.token() + "é",
    "half a character": lambda issuer: issuer.token() + "\udcff",
    "huge": lambda issuer: issuer.token(more="x" * 10**6),
    "a little too long": lambda issuer: issuer.token() + "A" * LONGEST,
}


@pytest.mark.parametrize("text", FOREIGN.values(), ids=FOREIGN)
async def test_what_is_no_token_of_the_issuer_is_left_to_others_and_asks_nobody(
    door: Door, text: Callable[[OpenIdIssuer], str]
) -> None:
    assert await door.ask(text(door.issuer)) is None
    assert not door.issuer.upstream.arrived


async def test_a_long_token_is_taken_as_far_as_a_header_goes(door: Door) -> None:
    token = door.issuer.token(groups=["g" * 50] * 300)
    assert 15_000 < len(token) < LONGEST
    assert await door.ask(token)


async def test_a_key_that_is_too_short_is_not_trusted(door: Door) -> None:
    key = door.issuer.key = SigningKey("short", "RS256", bits=1024)
    door.issuer.publish(key)
    await refused(door, door.issuer.token(), match="too short to be trusted")


async def test_nothing_of_a_token_is_logged(door: Door, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    tokens = [
        door.issuer.token(),
        door.issuer.token(exp=1),
        door.issuer.token(email="eve@example.org"),
        SigningKey("x", number=3).sign(door.issuer.claims()),
        compact({"alg": "none"}, door.issuer.claims()),
    ]
    for token in tokens:
        with contextlib.suppress(Unauthenticated):
            await door.ask(token)
    door.issuer.fail()
    door.clock.go(1000)
    for token in tokens:
        with contextlib.suppress(Unauthenticated, Unavailable):
            await door.ask(token)
    assert caplog.messages
    secrets = [piece for token in tokens for piece in token.split(".") if len(piece) > 20]
    secrets += [hashlib.sha256(token.encode()).hexdigest() for token in tokens]
    assert not [line for line in caplog.messages if any(secret in line for secret in secrets)]
    assert not [line for line in caplog.messages if "eve@" in line or "ann@" in line]
