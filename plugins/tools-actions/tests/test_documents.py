"""Documents that cannot be read, and what is said of them; settings that do not fit."""

from __future__ import annotations

import json
import subprocess
import sys

import gateway_tools_actions
import pytest
from action_documents import ADA, api

from gateway import Services
from gateway.testing import endpoints, installed

YAML = """
openapi: 3.0.3
info: {title: T, version: "1"}
servers:
  - url: https://{region}.example.com/v2/
    variables: {region: {default: eu, enum: [eu, us]}}
paths:
  /x:
    get:
      operationId: it
      parameters:
        - {name: q, in: query, schema: {type: string, enum: [yes, no, 2020-01-01]}}
      responses: {200: {description: fine}}
  /y/{id}:
    get:
      operationId: broken
"""


def test_nothing_is_registered_or_imported_where_nothing_is_configured():
    services: Services = installed.bare_services()
    assert gateway_tools_actions.register_tools(settings=installed.bare_settings(), services=services) == ()
    code = (
        "import sys, gateway_tools_actions; print(*[name for name in sys.modules if name.startswith('gateway_tools')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    light = {"index", "login_routes", "section"}
    assert {name.partition(".")[2] for name in done.stdout.split()} - light == {""}


@pytest.mark.parametrize("how", ["text", "json text", "file", "json file"])
async def test_documents_are_read_as_text_and_from_files(actions, tmp_path, how):
    document = (
        YAML
        if "json" not in how
        else json.dumps(api(("get", "/x", {}), servers=[{"url": "https://eu.example.com/v2"}]))
    )
    entry = {"document": document}
    if "file" in how:
        (tmp_path / "api.yaml").write_text(document, "utf-8")
        entry = {"file": str(tmp_path / "api.yaml")}
    source = actions({"name": "a", **entry, "operations": ["it"]})
    assert source.findings() == []
    [tool] = await source.listed(ADA)
    assert tool.name == "it_action_ZXUuZXhhbX"  # eu.example.com
    if "json" not in how:
        assert json.loads(bytes(tool.parameters))["properties"]["q"]["enum"] == ["yes", "no", "2020-01-01"]


def test_what_is_wrong_in_a_file_has_its_line(actions, tmp_path):
    file = tmp_path / "api.yaml"
    file.write_text(YAML, "utf-8")
    [finding] = actions({"name": "a", "file": str(file)}).findings()
    assert (finding.path, finding.level) == ("gateway.tools-actions[0].file", "warning")
    assert finding.what.startswith(f"{file}, line 16, paths /y/{{id}} get: ")
    assert "broken is no tool: its path has {id}" in finding.what
    assert finding.todo


@pytest.mark.parametrize(
    ("entry", "what"),
    [
        ({}, "neither `document` nor `file`"),
        ({"document": "x: 1", "file": "y"}, "both there"),
        ({"file": "missing.yaml"}, "cannot be read: No such file or directory"),
        ({"document": "- 1"}, "the document is no mapping"),
        ({"document": "a: [1"}, "line "),
        ({"document": "[" * 5000}, "line "),
        ({"document": '{"swagger": "2.0", "paths": {"/x": {}}}'}, "this is Swagger 2"),
        ({"document": {"paths": {"/x": {}}}}, "it does not say `openapi: 3.…`"),
        ({"document": {"openapi": "3.0.0"}}, "it has no paths"),
        (
            {"document": {"openapi": "3.0.0", "paths": {"/x": {}}}, "url": "https://a.example"},
            "no operation that could be",
        ),
        ({"document": api(("get", "/x", {}))}, "does not say at which host"),
        ({"document": api(("get", "/x", {}), servers=[{"url": "/v1"}])}, "does not say at which host"),
        ({"document": api(("get", "/x", {}), servers=[{"url": "https://{x}.example"}])}, "a variable in it"),
        ({"document": api(("get", "/x", {})), "url": "ftp://a.example"}, "starts with http:// or https://"),
        ({"document": api(("get", "/x", {})), "url": "https://u:p@a.example"}, "a user name or a password"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value.strip()[:20],
)
def test_what_cannot_be_used_is_an_error_with_its_place_and_a_way_out(actions, entry, what):
    [finding] = actions({"name": "a", **entry}).findings()
    assert finding.level == "error"
    assert finding.path.startswith("gateway.tools-actions[0]")
    assert what in finding.what
    assert finding.todo


def test_a_file_that_is_too_large_is_not_read(actions, tmp_path):
    file = tmp_path / "api.json"
    with file.open("wb") as out:
        out.truncate(9 * 2**20)
    [finding] = actions({"name": "a", "file": str(file)}).findings()
    assert "more than 8388608 bytes" in finding.what


async def test_an_action_that_wants_a_variable_is_missing_with_the_reason(actions):
    entry = {"name": "a", "url": "https://a.example", "document": api(("get", "/x", {}))}
    source = actions(entry | {"auth": {"type": "service_http", "api_key": "${NOT_SET}"}})
    [finding] = source.findings()
    assert (finding.level, finding.what) == ("warning", "the variable NOT_SET is not set")
    offer = await source.offer(["it_action_a"], ADA)
    assert offer.missing == {"it_action_a": "the action a cannot be used: the variable NOT_SET is not set"}


def test_check_tells_the_file_and_the_line(tmp_path):
    (tmp_path / "api.yaml").write_text(YAML, "utf-8")
    config = tmp_path / "librechat.yaml"
    actions = [
        {"name": "a", "file": str(tmp_path / "api.yaml")},
        {"name": "b", "file": "missing.yaml", "url": "https://x.example"},
    ]
    config.write_text(json.dumps({"version": "1.3.17", "gateway": {"tools-actions": actions}}), "utf-8")
    command = [sys.executable, "-m", "gateway", "check", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert f"{tmp_path / 'api.yaml'}, line 16, paths /y/{{id}} get: " in said
    assert "broken is no tool" in said
    assert "librechat.yaml:1:" in said
    assert "gateway.tools-actions[1].file" in said


def test_settings_do_not_print_secrets():
    auth = {"type": "oauth", "client_id": "the-client", "client_secret": "the-secret", "api_key": "the-key"}
    given = {"version": "1", "gateway": {"tools-actions": [{"name": "a", "document": "x", "auth": auth}]}}
    [fields] = endpoints.settings(gateway_tools_actions, given).many(gateway_tools_actions.ActionFields)
    assert not [word for word in ("the-client", "the-secret", "the-key") if word in repr(fields)]
