"""The key that LettaBot's clients have: how it is shown, where it is kept, whom it lets in."""

import asyncio
import json

import pytest
from gateway_dialect_lettabot.authenticator import authenticators
from gateway_dialect_lettabot.settings import Options

from gateway import Principal, Settings, SettingsError

KEY = "0123456789abcdef" * 4
RIGHT, WRONG = {"x-api-key": KEY}, {"x-api-key": "nope"}
BEARER = {"authorization": f"Bearer {KEY}"}


@pytest.fixture(autouse=True)
def somewhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(key=None, **options):
    environ = {"LETTABOT_API_KEY": key} if key else {}
    return Settings({Options: Options(**options)}, environ, frozenset())


def let_in(server, ask, headers, given):
    inbound = ask(message="Hi", headers=headers)
    shown = server.credential(inbound)
    return [asyncio.run(one.authenticate(inbound, shown)) for one in authenticators(given)]


@pytest.mark.parametrize(
    "headers",
    [
        RIGHT,
        BEARER,
        {"authorization": f"bearer   {KEY}"},
        {**RIGHT, "authorization": "Bearer nope"},
        {"x-api-key": "", **BEARER},
    ],
    ids=["header", "bearer", "lower case and blanks", "header first", "an empty header is none"],
)
def test_the_key_is_taken_as_lettabot_takes_it(server, ask, headers):
    [found] = let_in(server, ask, headers, settings(KEY))
    assert found == Principal("lettabot", "USER", "lettabot", key_id="lettabot", key_label="LettaBot's key")


@pytest.mark.parametrize(
    "headers",
    [WRONG, {**WRONG, **BEARER}, {}, {"authorization": f"Basic {KEY}"}, {"authorization": "Bearer " + KEY[:-1]}],
    ids=["wrong", "no bearer saves a wrong header", "none", "another scheme", "a part of it"],
)
def test_another_one_is_not(server, ask, headers):
    assert let_in(server, ask, headers, settings(KEY)) == [None]


def test_who_comes_with_it_can_be_said(server, ask):
    [found] = let_in(server, ask, RIGHT, settings(KEY, user="bot", role="ADMIN"))
    assert (found.user_id, found.role) == ("bot", "ADMIN")


def test_without_a_key_nobody_is_let_in_by_it():
    assert authenticators(settings()) == ()


def test_the_file_of_lettabot_is_read(server, ask, somewhere):
    (somewhere / "lettabot-api.json").write_text(json.dumps({"apiKey": KEY}, indent=2))
    [found] = let_in(server, ask, RIGHT, settings())
    assert found is not None
    assert authenticators(settings(key_file="")) == ()


def test_the_variable_counts_before_the_file(server, ask, somewhere):
    (somewhere / "lettabot-api.json").write_text(json.dumps({"apiKey": "f" * 64}))
    assert let_in(server, ask, RIGHT, settings(KEY)) != [None]
    assert let_in(server, ask, {"x-api-key": "f" * 64}, settings(KEY)) == [None]


@pytest.mark.parametrize(
    "text", ["{", "{}", '{"apiKey": 7}', '{"apiKey": "short"}', "[]", '{"apiKey": "\\u00e4aaaaaaaaaaaaaaaa"}']
)
def test_a_file_without_a_usable_key_stops_the_start_and_is_not_written_anew(somewhere, text):
    file = somewhere / "lettabot-api.json"
    file.write_text(text)
    with pytest.raises(SettingsError, match=r"lettabot-api\.json"):
        authenticators(settings())
    assert file.read_text() == text


def test_a_file_that_is_named_must_be_there():
    with pytest.raises(SettingsError, match=r"there is no file elsewhere\.json"):
        authenticators(settings(key_file="elsewhere.json"))


def test_a_key_that_could_be_guessed_is_refused_and_not_shown():
    with pytest.raises(SettingsError, match="can be guessed") as raised:
        authenticators(settings("hunter2"))
    assert "hunter2" not in str(raised.value)
