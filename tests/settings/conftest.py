"""Sections as plugins have them, and a way to compose a text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import pytest

from gateway import Secret, Section
from gateway.settings.compose import Composed, compose
from gateway.settings.reading import read


class Models(msgspec.Struct, frozen=True):
    default: tuple[str, ...] = ()
    fetch: bool = False


class Custom(msgspec.Struct, frozen=True, rename="camel"):
    """An endpoint. base_url: where it is."""

    name: str = ""
    api_key: Secret = Secret("")
    base_url: str = msgspec.field(name="baseURL", default="")
    models: Models = Models()
    headers: dict[str, Secret] = {}
    add_params: dict[str, object] = {}
    title_convo: bool = False
    custom_params: dict[str, object] = {}


class OpenAI(msgspec.Struct, frozen=True, rename="camel"):
    headers: dict[str, Secret] = {}
    base_url: str = msgspec.field(name="baseURL", default="")


class Agent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    model: str
    name: str = ""
    endpoint: str = ""
    description: str = ""


class Cache(msgspec.Struct, frozen=True):
    """seconds: how long. names: of what. secret: to whom."""

    seconds: int = 60
    ratio: float = 0.5
    on: bool = True
    names: tuple[str, ...] = ()
    secret: Secret | None = None


SECTIONS = (
    Section("endpoints.custom[]", Custom),
    Section("endpoints.openAI", OpenAI),
    Section("gateway.agents[]", Agent),
    Section("gateway.cache-it", Cache),
)

Compose = Callable[..., Composed]


@pytest.fixture
def composed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """Composes a librechat.yaml of this text; None for no file."""
    monkeypatch.chdir(tmp_path)

    def run(
        source: str | None,
        environ: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
        sections: tuple[Section, ...] = SECTIONS,
    ) -> Composed:
        if source is not None:
            Path("librechat.yaml").write_text(source, "utf-8")
        return compose(read(None, environ or {}), sections, flags or {})

    return run


def sentences(found: Composed, level: str | None = None) -> list[str]:
    return [str(finding) for finding in found.findings if level in (None, finding.level)]
