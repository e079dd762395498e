"""`interface.remoteAgents` in a file."""

from __future__ import annotations

from pathlib import Path

import gateway_permission_remote_agents
import pytest

from gateway import RemoteAgents, Settings
from gateway.settings.compose import compose
from gateway.settings.reading import read


def loaded(tmp_path: Path, text: str) -> tuple[Settings, list[str]]:
    file = tmp_path / "librechat.yaml"
    file.write_text(text)
    composed = compose(read(file, {}), gateway_permission_remote_agents.register_sections(), {})
    assert not composed.errors
    return composed.settings, [str(finding) for finding in composed.findings]


@pytest.mark.parametrize(
    ("text", "granted"),
    [
        ("version: 1.3.5", RemoteAgents()),
        ("version: 1.3.5\ninterface: {remoteAgents: {}}", RemoteAgents()),
        ("version: 1.3.5\ninterface: {remoteAgents: {use: true}}", RemoteAgents(use=True)),
        (
            "version: 1.3.5\ninterface: {remoteAgents: {use: true, create: true, share: true, public: true}}",
            RemoteAgents(True, True, True, True),
        ),
    ],
)
def test_a_file_grants_what_it_says(tmp_path: Path, text: str, granted: RemoteAgents) -> None:
    assert loaded(tmp_path, text)[0].one(RemoteAgents) == granted


@pytest.mark.parametrize("value", ["true", "false", "'yes'", "{use: maybe}", "[use]"])
def test_what_is_not_its_form_is_a_warning_and_grants_nothing(tmp_path: Path, value: str) -> None:
    settings, findings = loaded(tmp_path, f"version: 1.3.5\ninterface: {{remoteAgents: {value}}}")
    assert settings.one(RemoteAgents) == RemoteAgents()
    assert [line for line in findings if "interface.remoteAgents" in line]
