import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import BadHeader, HeaderTemplates, Principal, Secret, Settings, UnsetVariable

ADA = Principal(user_id="u1", role="ADMIN", name="Ada", email="ada@example.com")


def compiled(headers, environ=None, fallback=None):
    settings = Settings({}, environ or {}, frozenset())
    return HeaderTemplates.compile(settings, {name: Secret(value) for name, value in headers.items()}, fallback)


def test_variables_are_put_in_at_startup_and_placeholders_for_each_caller():
    headers = compiled({"X-Team": "${TEAM}", "X-User": "{{LIBRECHAT_USER_ID}} of ${TEAM}"}, {"TEAM": "red"})
    assert headers.fixed == {"x-team": "red"}
    assert headers.fill(ADA) == {"x-team": "red", "x-user": "u1 of red"}


def test_headers_are_personal_where_a_placeholder_is_in_them():
    assert compiled({"x-user": "{{LIBRECHAT_USER_ID}}"}).personal
    assert not compiled({"x-team": "${TEAM}"}, {"TEAM": "red"}).personal


def test_each_known_part_of_a_principal_is_filled_in():
    parts = {part: f"{{{{LIBRECHAT_USER_{part}}}}}" for part in ("ID", "NAME", "USERNAME", "EMAIL", "ROLE")}
    assert compiled(parts).fill(ADA) == {
        "id": "u1",
        "name": "Ada",
        "username": "Ada",
        "email": "ada@example.com",
        "role": "ADMIN",
    }


def test_a_users_name_cannot_read_a_variable():
    mallory = Principal(user_id="u", name="${KEY} {{LIBRECHAT_USER_ROLE}}")
    assert compiled({"x-n": "{{LIBRECHAT_USER_NAME}}"}, {"KEY": "hush"}).fill(mallory)["x-n"] == mallory.name


@pytest.mark.parametrize(
    "name",
    ["BODY_CONVERSATIONID", "OPENID_ACCESS_TOKEN", "GRAPH_ACCESS_TOKEN", "USER_OPENIDID", "USER_TERMSACCEPTEDAT"],
)
def test_what_is_known_but_has_no_value_becomes_empty(name):
    assert compiled({"x-n": f"<{{{{LIBRECHAT_{name}}}}}>"}).fill(ADA) == {"x-n": "<>"}


def test_an_unknown_placeholder_stays_as_it_stands():
    assert compiled({"x-n": "{{LIBRECHAT_WEATHER}}"}).fill(ADA) == {"x-n": "{{LIBRECHAT_WEATHER}}"}


def test_a_name_beyond_latin_1_goes_as_base64_and_one_within_as_it_is():
    template = compiled({"x-n": "{{LIBRECHAT_USER_NAME}}"})
    encoded = template.fill(Principal(user_id="u", name="Łukasz"))["x-n"]
    assert encoded == "b64:" + base64.b64encode("Łukasz".encode()).decode()
    assert template.fill(Principal(user_id="u", name="José"))["x-n"] == "José"


@given(st.text(), st.text(), st.text(), st.text())
def test_nothing_in_a_callers_record_can_break_out_of_its_header(user_id, role, name, email):
    template = "{{LIBRECHAT_USER_ID}}{{LIBRECHAT_USER_ROLE}}{{LIBRECHAT_USER_NAME}}{{LIBRECHAT_USER_EMAIL}}"
    value = compiled({"x-n": template}).fill(Principal(user_id=user_id, role=role, name=name, email=email))["x-n"]
    assert not set(value) & {"\r", "\n", "\0"}


@pytest.mark.parametrize("template", ["Bearer {{LIBRECHAT_OPENID_TOKEN}}", "{{LIBRECHAT_GRAPH_ACCESS_TOKEN}}"])
def test_an_empty_credential_is_left_out_and_the_endpoints_own_key_stands_in(template):
    headers = {"Authorization": template, "x-user-token": template, "x-note": "{{LIBRECHAT_BODY_MESSAGEID}}"}
    assert compiled(headers).fill(ADA) == {"x-note": ""}
    assert compiled(headers, fallback={"Authorization": "Bearer k"}).fill(ADA)["authorization"] == "Bearer k"


def test_a_configured_credential_goes_instead_of_the_endpoints_key():
    headers = compiled({"AUTHORIZATION": "Bearer ${MINE}"}, {"MINE": "m"}, fallback={"Authorization": "Bearer k"})
    assert headers.fill(ADA) == {"authorization": "Bearer m"}


def test_headers_of_the_connection_and_the_body_are_left_out():
    assert compiled({"Content-Type": "text/plain", "Content-Length": "3", "X-A": "1"}).fill(ADA) == {"x-a": "1"}


def test_an_unset_variable_is_named():
    with pytest.raises(UnsetVariable) as raised:
        compiled({"x-a": "${NOWHERE}"})
    assert raised.value.names == ("NOWHERE",)


@pytest.mark.parametrize(
    ("name", "value"), [("x a", "1"), ("x:a", "1"), ("", "1"), ("x-a", "a\r\nb: hush"), ("x-a", "\0")]
)
def test_what_http_cannot_carry_is_refused_without_quoting_it(name, value):
    with pytest.raises(BadHeader) as raised:
        compiled({name: value})
    assert raised.value.name == name
    assert "hush" not in str(raised.value)


def test_a_line_break_at_the_end_of_a_secret_is_forgiven():
    assert compiled({"x-key": "${KEY}"}, {"KEY": "abc\n"}).fill(ADA) == {"x-key": "abc"}
