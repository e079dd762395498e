"""schemas/librechat.schema.json is what the core and all plugins of the workspace compose, and files satisfy it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner

from gateway import Secret, Section
from gateway.cli import main
from gateway.plugins import load
from gateway.settings.core import Core, Plugins
from gateway.settings.overlay import variables
from gateway.settings.reading import embedded
from gateway.settings.schema import schema, schema_text
from gateway.settings.structschema import clauses, struct_schema
from gateway.settings.yamlfile import parse

ROOT = Path(__file__).parents[1]
GENERATED = ROOT / "schemas" / "librechat.schema.json"
EXAMPLE = ROOT / "config" / "librechat.example.yaml"
WORKSPACE = sorted(folder.parent.name for folder in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.fixture(scope="module")
def sections() -> list[Section]:
    registry = load(Plugins(enable=tuple(WORKSPACE)))
    missing = set(WORKSPACE) - {plugin.name for plugin in registry.plugins if not plugin.error}
    if missing:
        pytest.skip(f"not installed: {', '.join(sorted(missing))}")
    return registry.sections()


@pytest.fixture(scope="module")
def composed(sections: list[Section]) -> dict[str, Any]:
    return schema(sections)


def at(node: dict[str, Any], *path: str) -> dict[str, Any]:
    for step in path:
        node = node["items"] if step == "[]" else node["properties"][step]
    return node


def test_the_generated_file_is_up_to_date(sections: list[Section]) -> None:
    assert GENERATED.read_text("utf-8") == schema_text(sections), "run `gateway schema --write`"


def test_the_order_of_plugins_does_not_matter(sections: list[Section]) -> None:
    assert schema_text(sections[::-1]) == schema_text(sections)


def test_it_is_a_schema(composed: dict[str, Any]) -> None:
    jsonschema.Draft7Validator.check_schema(composed)


@pytest.mark.parametrize("file", ["config/librechat.yaml", "config/librechat.example.yaml"])
def test_the_files_of_config_satisfy_it(composed: dict[str, Any], file: str) -> None:
    jsonschema.Draft7Validator(composed).validate(parse((ROOT / file).read_text("utf-8"), file).data)


def test_a_librechat_file_satisfies_it(composed: dict[str, Any]) -> None:
    file = ROOT / "tests" / "settings" / "files" / "librechat.yaml"
    jsonschema.Draft7Validator(composed).validate(parse(file.read_text("utf-8"), str(file)).data)


@pytest.mark.parametrize(
    "text",
    [
        "x-mine: 1",
        "endpoints: {}",
        "endpoints: {openai: {}}",
        "endpoints: {custom: [{customParams: {x: 1}}]}",
        "gateway: {lisen: {}}",
        "gateway: {listen: {prot: 1}}",
        "gateway: {listen: {port: 70000}}",
        "gateway: {log: {level: loud}}",
        "gateway: {agents: [{name: a}]}",
        "version: 1.2",
    ],
)
def test_what_check_refuses_an_editor_underlines(composed: dict[str, Any], text: str) -> None:
    assert list(jsonschema.Draft7Validator(composed).iter_errors(parse(text, "f").data))


def test_every_key_of_the_core_has_words_for_the_editor() -> None:
    def silent(node: dict[str, Any], path: str) -> list[str]:
        own = [part for part in (node, *node.get("anyOf", ())) if "properties" in part]
        found = [silent(part, f"{path}.{key}") for one in own for key, part in one["properties"].items()]
        return [
            *([] if node.get("description") else [path]),
            *(name for names in found for name in names),
        ]

    assert silent(struct_schema(Core), "gateway") == []


def test_variables_are_named_beside_their_keys(composed: dict[str, Any], sections: list[Section]) -> None:
    assert "Variable: GATEWAY_LISTEN_PORT." in at(composed, "gateway", "listen", "port")["description"]
    text = json.dumps(composed)
    assert [name for name, _, _ in variables(sections) if f"{name}." not in text] == []


def test_librechats_keys_say_what_becomes_of_them(composed: dict[str, Any]) -> None:
    assert at(composed, "includedTools")["description"] == "Not enforced here: agents run without tools here."
    assert "Not enforced" not in at(composed, "balance")["description"]
    custom = at(composed, "endpoints", "custom", "[]")
    assert custom["properties"]["titleConvo"]["description"].startswith("Accepted, without effect here")


def test_secrets_are_text_and_their_defaults_stay_out() -> None:
    import msgspec

    class Kept(msgspec.Struct):
        """key: the key. ports: where; none by default."""

        key: Secret = Secret("canary")
        ports: dict[str, tuple[int, ...]] = {}

    found = struct_schema(Kept)
    assert found["properties"]["key"] == {"type": "string", "description": "The key."}
    assert found["properties"]["ports"]["additionalProperties"] == {"type": "array", "items": {"type": "integer"}}
    assert "canary" not in json.dumps(found)


def test_docstrings_are_taken_apart() -> None:
    assert clauses("Who.\n\nhost, port: where; all of\n    it. names: of whom.\n\nMore words.") == {
        "host": "Where; all of it.",
        "port": "Where; all of it.",
        "names": "Of whom.",
    }


def test_the_example_documents_every_section(sections: list[Section]) -> None:
    data = parse(EXAMPLE.read_text("utf-8"), "example").data
    text = EXAMPLE.read_text("utf-8")
    for section in sections:
        place = data
        for name in section.model.__struct_encode_fields__ if not section.path else ():
            assert name in data, f"{name} is not in config/librechat.example.yaml"
        for step in filter(None, section.path.removesuffix("[]").split(".")):
            assert step in place, f"{section.path} is not in config/librechat.example.yaml"
            place = place[step]
        if section.path.startswith("gateway."):
            for name in section.model.__struct_encode_fields__:
                assert f"{name}:" in text, f"{section.path}: {name} is not in config/librechat.example.yaml"
    for name, place, _ in variables(()):
        assert f"{place[-1]}:" in text, f"the key of {name} is not in config/librechat.example.yaml"


def test_the_example_names_its_schema_first() -> None:
    first = EXAMPLE.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=../schemas/librechat.schema.json"
    assert (EXAMPLE.parent / "../schemas/librechat.schema.json").is_file()


def test_the_example_passes_check(sections: list[Section]) -> None:
    result = CliRunner().invoke(main, ["check", str(EXAMPLE)], env={**os.environ, "GATEWAY_PORT": ""})
    assert result.exit_code == 0, result.output
    assert "0 errors" in result.output


def test_schema_prints_what_it_writes(sections: list[Section], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    printed = CliRunner().invoke(main, ["schema"])
    written = CliRunner().invoke(main, ["schema", "--write"])
    assert (printed.exit_code, written.exit_code) == (0, 0)
    assert (tmp_path / "schemas" / "librechat.schema.json").read_text("utf-8") == printed.stdout
    assert written.stdout == "wrote schemas/librechat.schema.json\n"


def test_the_defaults_are_in_the_package() -> None:
    assert "agent_echo" in embedded()
