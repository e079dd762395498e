"""`gateway matrix` asks the dialects of every plugin, without a configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.cli.context import Context
from gateway.cli.matrix import survey_of


def test_no_plugin_needs_settings_to_say_what_it_speaks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    context = Context(environ={})
    assert survey_of(context)
    assert [plugin.error for plugin in context.registry.plugins if plugin.error] == []
