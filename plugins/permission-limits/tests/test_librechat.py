"""LibreChat's keys and variables: what of them is a limit here."""

from __future__ import annotations

from typing import Any

import gateway_permission_limits
import pytest
from gateway_permission_limits.librechat import librechat_limits
from gateway_permission_limits.settings import Limit

from gateway import SettingsError
from gateway.testing import endpoints

SPEECH, WRITTEN = ("/audio/speech",), ("/audio/transcriptions", "/audio/translations")
EXAMPLE = {
    "LIMIT_CONCURRENT_MESSAGES": "true",
    "CONCURRENT_MESSAGE_MAX": "2",
    "LIMIT_MESSAGE_IP": "true",
    "MESSAGE_IP_MAX": "40",
    "MESSAGE_IP_WINDOW": "1",
    "LIMIT_MESSAGE_USER": "false",
    "MESSAGE_USER_MAX": "40",
    "MESSAGE_USER_WINDOW": "1",
    "LOGIN_MAX": "7",
    "FILE_UPLOAD_IP_MAX": "100",
}


def limits(given: Any = "version: 1.3.5", environ: dict[str, str] | None = None) -> list[Limit]:
    return list(librechat_limits(endpoints.settings(gateway_permission_limits, given, environ)))


def shown(found: list[Limit]) -> list[tuple[Any, ...]]:
    return [(one.per, one.requests, one.window, one.only.get("operation")) for one in found]


def test_without_any_of_them_there_is_no_limit() -> None:
    assert limits() == []


def test_speech_is_limited_as_the_file_says_and_by_librechats_defaults_beside_it() -> None:
    found = limits({"rateLimits": {"tts": {"userMax": 3, "userWindowInMinutes": 5}}})
    assert shown(found) == [("ip", 100, 60, SPEECH), ("user", 3, 300, SPEECH)]


def test_transcription_is_limited_by_its_variables() -> None:
    found = limits(environ={"STT_IP_MAX": "10", "STT_USER_WINDOW": "2"})
    assert shown(found) == [("ip", 10, 60, WRITTEN), ("user", 50, 120, WRITTEN)]


def test_the_file_counts_more_than_a_variable() -> None:
    found = limits({"rateLimits": {"tts": {"ipMax": 7}}}, {"TTS_IP_MAX": "9", "TTS_USER_MAX": "9"})
    assert shown(found) == [("ip", 7, 60, SPEECH), ("user", 9, 60, SPEECH)]


def test_limits_of_its_web_clients_messages_are_none_of_this_api_as_in_librechat() -> None:
    assert limits(environ=EXAMPLE) == []


def test_the_operator_may_have_them_here_too() -> None:
    found = limits({"gateway": {"permission-limits": {"librechat_messages": True}}}, EXAMPLE)
    assert [(one.per, one.requests, one.concurrency, one.window) for one in found] == [
        ("user", None, 2, 60),
        ("ip", 40, None, 60),
    ]


def test_what_librechat_alone_does_is_no_limit_here() -> None:
    others = {"fileUploads": {"ipMax": 1}, "conversationsImport": {"userMax": 1}, "agentEvents": {"userMax": 1}}
    assert limits({"rateLimits": others}) == []


@pytest.mark.parametrize("text", ["many", "0", "-3", "1e99", "nan"])
def test_a_variable_that_is_no_number_stops_the_start(text: str) -> None:
    with pytest.raises(SettingsError, match=r"TTS_USER_MAX: .* is no number above 0"):
        limits(environ={"TTS_USER_MAX": text})
