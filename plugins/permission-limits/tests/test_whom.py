"""Whom a limit counts, and for whom it is none."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from gateway_permission_limits.rules import Rule, counter
from gateway_permission_limits.settings import Limit, LimitSettings

Asked = Any


def limit(**fields: Any) -> Limit:
    return msgspec.convert({"requests": 1, **fields}, Limit)


@pytest.mark.parametrize(
    ("per", "counted"),
    [
        ("key", "k1"),
        ("user", "u1"),
        ("role", "USER"),
        ("agent", "agent_1"),
        ("operation", "/toy"),
        ("endpoint", "far"),
        ("target", "far/m"),
        ("model", "m"),
        ("ip", "192.0.2.1/32"),
        (["user", "model"], "m\0u1"),
        (["model", "user"], "m\0u1"),
        ([], ""),
    ],
)
def test_each_subject_has_its_name(asked: Asked, tried: Any, per: Any, counted: str) -> None:
    exchange = asked(agent="agent_1")
    assert Rule(limit(per=per)).of(exchange, tried(exchange)) == counted


def test_what_is_there_only_sometimes_is_limited_only_then(asked: Asked) -> None:
    assert Rule(limit(per="agent")).of(asked(), None) is None


def test_who_came_without_a_key_counts_as_a_user_of_its_own(asked: Asked) -> None:
    one, other = asked(key_id="", user_id="k1"), asked(key_id="k1")
    rule = Rule(limit(per="key"))
    assert rule.of(one, None) != rule.of(other, None)


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        ("192.0.2.9", "192.0.2.9/32"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.9", "192.0.2.9/32"),
        ("fe80::1%eth0", "fe80::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_address_is_what_one_caller_cannot_choose(asked: Asked, peer: str, network: str) -> None:
    assert Rule(limit(per="ip")).of(asked(peer=peer), None) == (network or None)


@pytest.mark.parametrize(
    ("subject", "names", "fits"),
    [
        ("key", ["k1"], True),
        ("key", ["laptop"], True),
        ("key", ["k2", "phone"], False),
        ("user", ["Ada"], True),
        ("user", ["u1"], True),
        ("role", ["ADMIN", "USER"], True),
        ("role", ["ADMIN"], False),
        ("agent", ["agent_1"], True),
        ("operation", ["/audio/speech"], False),
        ("model", ["m"], True),
        ("target", ["near/m"], False),
        ("endpoint", ["far"], True),
        ("ip", ["192.0.2.0/24", "10.0.0.0/8"], True),
        ("ip", ["192.0.2.1"], True),
        ("ip", ["10.0.0.0/8", "2001:db8::/32"], False),
    ],
)
def test_only_and_except_are_each_others_opposite(
    asked: Asked, tried: Any, subject: str, names: list[str], fits: bool
) -> None:
    exchange = asked(agent="agent_1")
    attempt = tried(exchange)
    only, others = Rule(limit(only={subject: names})), Rule(limit(**{"except": {subject: names}}))
    assert (only.of(exchange, attempt) is not None) is fits
    assert (others.of(exchange, attempt) is not None) is not fits


def test_a_label_that_a_user_chose_makes_no_exception(asked: Asked) -> None:
    rule = Rule(limit(**{"per": "key", "except": {"key": ["laptop"]}}))
    assert rule.of(asked(), None) is None
    assert rule.of(asked(own_key=True), None) == "k1"


@pytest.mark.parametrize(
    ("fields", "of_target"),
    [
        ({"per": "key"}, False),
        ({"per": ["user", "model"]}, True),
        ({"per": "key", "only": {"model": ["m"]}}, True),
        ({"per": "key", "except": {"endpoint": ["e"]}}, True),
        ({"per": "agent", "only": {"operation": ["/x"]}}, False),
    ],
)
def test_where_a_target_matters_each_attempt_is_asked(fields: dict[str, Any], of_target: bool) -> None:
    assert Rule(limit(**fields)).of_target is of_target


def test_counts_are_kept_apart_by_limit_by_kind_and_by_caller() -> None:
    names = [counter(b"a", "requests", "u"), counter(b"b", "requests", "u"), counter(b"a", "tokens", "u")]
    names += [counter(b"a", "requests", "v"), counter(b"a", "requests", "")]
    assert len(set(names)) == len(names)
    assert all(len(name) == 16 for name in names)


def test_numbers_may_change_while_it_counts_and_the_order_of_names_matters_nothing() -> None:
    one = limit(per=["user", "role"], requests=5, only={"role": ["A", "B"], "key": ["k"]})
    other = limit(per=["role", "user"], tokens=9, burst=0.5, only={"key": ["k"], "role": ["B", "A"]})
    assert one.identity == other.identity
    assert one.identity != limit(per=["user", "role"], window=61, only=one.only).identity
    assert one.identity != limit(per=["user", "role"], **{"except": one.only}).identity


def test_two_limits_that_would_count_as_one_are_told() -> None:
    limits = (limit(per="key"), limit(per="user"), limit(per="key", tokens=3))
    with pytest.raises(ValueError, match=r"limits\[0\] and limits\[2\]"):
        LimitSettings(limits=limits)
    LimitSettings(limits=(*limits[:2], limit(per="key", tokens=3, name="second")))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"per": "key"}, "needs one of requests, tokens and concurrency"),
        ({"requests": 1, "only": {"ip": ["10.0.0.0/33"]}}, "does not appear to be"),
        ({"requests": 1, "burst": 0}, "burst"),
        ({"requests": 0}, "requests"),
        ({"requests": 1, "per": "agents"}, "agents"),
    ],
)
def test_what_is_no_limit_is_told(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=told):
        msgspec.convert(fields, Limit)


def test_a_mapped_address_is_within_its_own_network(asked: Asked) -> None:
    rule = Rule(limit(only={"ip": ["192.0.2.0/24"]}))
    assert rule.of(asked(peer="::ffff:192.0.2.1"), None) is not None
    assert rule.of(asked(peer="unix"), None) is None
