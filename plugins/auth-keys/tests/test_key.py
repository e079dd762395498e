"""Keys have LibreChat's form, and its digests are ours."""

from __future__ import annotations

import hashlib

from gateway_auth_keys.key import FORM, digest, mint, prefix

from gateway import Secret


def test_a_key_has_librechats_form_and_its_display_eight_characters() -> None:
    key = mint()
    assert len(key.reveal()) == 67
    assert FORM.fullmatch(key.reveal())
    assert prefix(key) == key.reveal()[:8]
    assert mint() != key


def test_a_digest_is_sha256_of_the_whole_text_in_hex() -> None:
    text = "sk-" + "ab" * 32
    assert digest(text) == hashlib.sha256(text.encode()).hexdigest()


def test_what_came_as_odd_bytes_has_a_digest_too() -> None:
    assert digest(b"sk-\xff".decode("utf-8", "surrogateescape")) == hashlib.sha256(b"sk-\xff").hexdigest()


def test_a_key_does_not_print() -> None:
    key = mint()
    assert key.reveal() not in f"{key} {key!r} {[key]}"
    assert isinstance(key, Secret)
