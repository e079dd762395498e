"""argon2id for all, bcrypt for those who come from LibreChat; and codes, against another implementation."""

from __future__ import annotations

import asyncio
import threading

import bcrypt
import pyotp
import pytest
from gateway_auth_jwt import totp
from gateway_auth_jwt.passwords import Hasher, kind
from gateway_auth_jwt.settings import AuthJwt

from gateway import Secret, Unavailable

CHEAP = AuthJwt(argon2_time=1, argon2_memory=64, argon2_lanes=1)
WORD = Secret("correct horse ö")


@pytest.fixture
def hasher() -> Hasher:
    return Hasher(CHEAP)


async def test_a_password_is_kept_as_argon2id_and_found_again(hasher: Hasher) -> None:
    kept = await hasher.hash(WORD)
    assert kept.reveal().startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert kept != await hasher.hash(WORD)
    assert (kind(kept), kind(Secret("")), kind(Secret("plain"))) == ("argon2id", "", "unknown")
    right, wrong = await hasher.verify(kept, WORD), await hasher.verify(kept, Secret("correct horse o"))
    assert (right.right, right.better, wrong.right, wrong.better) == (True, None, False, None)


async def test_a_hash_that_costs_less_than_is_set_now_is_replaced(hasher: Hasher) -> None:
    kept = await hasher.hash(WORD)
    verdict = await Hasher(AuthJwt(argon2_time=2, argon2_memory=64, argon2_lanes=1)).verify(kept, WORD)
    assert verdict.better is not None
    assert ",t=2," in verdict.better.reveal()
    assert (await hasher.verify(verdict.better, WORD)).right


@pytest.mark.parametrize("prefix", [b"2a", b"2b"])
async def test_a_hash_of_librechats_is_taken_and_replaced(hasher: Hasher, prefix: bytes) -> None:
    kept = Secret(bcrypt.hashpw(WORD.reveal().encode(), bcrypt.gensalt(4, prefix)).decode())
    assert kind(kept) == "bcrypt"
    assert not (await hasher.verify(kept, Secret("other"))).right
    verdict = await hasher.verify(kept, WORD)
    assert verdict.right
    assert verdict.better is not None
    assert kind(verdict.better) == "argon2id"
    assert (await hasher.verify(verdict.better, WORD)).right


async def test_of_a_long_password_bcrypt_read_the_beginning(hasher: Hasher) -> None:
    long = "x" * 100
    kept = Secret(bcrypt.hashpw(long.encode()[:72], bcrypt.gensalt(4)).decode())
    verdict = await hasher.verify(kept, Secret(long))
    assert verdict.better is not None
    assert not (await hasher.verify(verdict.better, Secret(long[:72]))).right


@pytest.mark.parametrize(
    "kept", ["", "nonsense", "$2b$nonsense", "$argon2id$nonsense", "$argon2i$v=19$m=64,t=1,p=1$a$b"]
)
async def test_what_is_no_hash_lets_nobody_in(hasher: Hasher, kept: str) -> None:
    assert not (await hasher.verify(Secret(kept), WORD)).right


async def test_the_loop_goes_on_and_no_more_than_so_many_wait() -> None:
    hasher = Hasher(AuthJwt(hashers=1, waiting=1))
    threads, gate = [], threading.Event()

    def work() -> None:
        threads.append(threading.current_thread().name)
        gate.wait(30)

    running = [asyncio.create_task(hasher._run(work)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable) as caught:
        await hasher.hash(WORD)
    assert caught.value.retry_after == 5
    gate.set()
    await asyncio.gather(*running)
    assert all(name.startswith("passwords") for name in threads)
    assert (await hasher.verify(await hasher.hash(WORD), WORD)).right
    hasher.close()


async def test_to_pretend_is_to_check_a_password(hasher: Hasher, monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []
    real = hasher._verify
    monkeypatch.setattr(hasher, "_verify", lambda kept, word: checked.append(kept) or real(kept, word))
    await hasher.pretend(WORD)
    assert [kind(Secret(kept)) for kept in checked] == ["argon2id"]


def test_codes_are_those_of_another_implementation() -> None:
    for _ in range(20):
        secret = totp.new_secret()
        other = pyotp.TOTP(secret.reveal())
        for at in (0, 59, 1_111_111_109, 1_234_567_890, 20_000_000_000):
            assert totp.code(secret, at // 30) == other.at(at)


def test_codes_of_the_standard() -> None:
    """RFC 6238, appendix B, the last six digits."""
    secret = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    found = [totp.code(secret, at // 30) for at in (59, 1111111109, 1111111111, 1234567890, 2000000000, 20000000000)]
    assert found == ["287082", "081804", "050471", "005924", "279037", "353130"]


@pytest.mark.parametrize("length", [17, 19, 22])
def test_a_secret_with_less_than_a_byte_left_over_has_the_codes_of_what_is_whole(length: int) -> None:
    """No encoder of base32 ends so; LibreChat's decoder, which such secrets come from, leaves the rest out."""
    letters = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
    assert totp.code(Secret(letters[:length]), 1) == totp.code(Secret(letters[: length - 1]), 1)


def test_a_code_counts_in_its_step_and_the_ones_beside_it() -> None:
    secret = Secret("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ")
    code = totp.code(secret, 100)
    assert [totp.step_of(secret, code, step * 30.0) for step in (98, 99, 100, 101, 102)] == [None, 100, 100, 100, None]
    for bad in ("", "0", code + "0", "éééééé"):
        assert totp.step_of(secret, bad, 3000.0) is None


def test_an_authenticator_reads_the_address() -> None:
    secret = totp.new_secret()
    read = pyotp.parse_uri(totp.address(secret, "Our Chat", "ann@example.org"))
    assert isinstance(read, pyotp.TOTP)
    assert (read.secret, read.issuer, read.name) == (secret.reveal(), "OurChat", "ann@example.org")


def test_backup_codes_are_as_librechat_makes_and_keeps_them() -> None:
    codes = totp.backup_codes()
    assert (len(set(codes)), {len(code) for code in codes}) == (10, {8})
    assert all(int(code, 16) >= 0 for code in codes)
    assert totp.digest("0123abcd") == "64eab0705394501ced0ff991bf69077fd3846c1d964e3db28d9600891715d848"
