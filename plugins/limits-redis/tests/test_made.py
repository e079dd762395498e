"""Which Redis the settings name, if any."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gateway_limits_redis
import pytest
from gateway_limits_redis.sliced import SlicedCounters
from gateway_limits_redis.strict import RedisCounters

from gateway import Counters, SettingsError
from gateway.testing import endpoints

URL = "redis://:secret-word@127.0.0.1:6379/0"


def made(own: dict[str, Any] | None = None, environ: dict[str, str] | None = None) -> list[Counters]:
    given = {"gateway": {"limits-redis": own}} if own is not None else "version: 1.3.5"
    settings = endpoints.settings(gateway_limits_redis, given, environ)
    return list(gateway_limits_redis.register_counters(settings))


def test_without_a_url_each_machine_counts_for_itself() -> None:
    assert made() == made({"mode": "lease"}) == made(environ={"REDIS_URI": URL}) == []


@pytest.mark.parametrize(("mode", "kind"), [("strict", RedisCounters), ("lease", SlicedCounters)])
def test_the_mode_says_how_it_is_counted(mode: str, kind: type[Counters]) -> None:
    [found] = made({"url": URL, "mode": mode})
    assert type(found) is kind


def test_librechats_redis_is_the_default() -> None:
    [found] = made(environ={"REDIS_URI": URL, "USE_REDIS": "true"})
    assert type(found) is RedisCounters


def test_a_variable_may_hold_the_url() -> None:
    assert len(made({"url": "${MY_REDIS}"}, {"MY_REDIS": URL})) == 1
    with pytest.raises(SettingsError, match="MY_REDIS has no value"):
        made({"url": "${MY_REDIS}"})


@pytest.mark.parametrize("url", ["localhost:6379", "http://x:secret-word@h/0", "redis://", "redis://h:secret-word/0"])
def test_what_is_no_url_of_a_redis_stops_the_start_without_being_shown(url: str) -> None:
    with pytest.raises(SettingsError, match=r"gateway\.limits-redis\.url: this is no URL") as caught:
        made({"url": url})
    assert "secret-word" not in str(caught.value)
    with pytest.raises(SettingsError, match="REDIS_URI"):
        made(environ={"REDIS_URI": url, "USE_REDIS": "TRUE"})


def test_who_has_no_redis_does_not_load_its_client() -> None:
    code = "import sys, gateway_limits_redis; print('redis' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
