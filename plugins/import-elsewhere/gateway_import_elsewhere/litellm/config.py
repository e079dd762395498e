"""LiteLLM's configuration file, as far as it is looked at.

Source: LiteLLM `docs/my-website/docs/proxy/config_settings.md`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import yaml

from gateway import BadCall

Given = Mapping[str, Any]


class Deployment(msgspec.Struct, frozen=True):
    """name: what callers write. model: as `provider/model`. parameters: the rest of `litellm_params`."""

    name: str
    model: str
    parameters: Given
    about: Given


def read(file: Path) -> Given:
    """Raises BadCall."""
    try:
        found = yaml.safe_load(file.read_bytes())
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise BadCall(f"{file} is not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(found, dict) or not isinstance(found.get("model_list", []), list | None):
        raise BadCall(f"{file} is no configuration of LiteLLM's: it has no model_list.")
    return found


def deployments(given: Given) -> Iterator[Deployment]:
    """Entries without a name or a model are left out; LiteLLM does not start with them."""
    for entry in given.get("model_list") or ():
        parameters = section(entry, "litellm_params")
        name, model = entry.get("model_name") if isinstance(entry, dict) else None, parameters.get("model")
        if isinstance(name, str) and isinstance(model, str):
            rest = {key: value for key, value in parameters.items() if key != "model" and value is not None}
            yield Deployment(name, model, rest, section(entry, "model_info"))


def section(given: Any, name: str) -> Given:
    found = given.get(name) if isinstance(given, dict) else None
    return found if isinstance(found, dict) else {}


def access_groups(given: Given) -> Mapping[str, Sequence[str]]:
    """Names of models by access group."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for one in deployments(given):
        for group in one.about.get("access_groups") or ():
            if one.name not in found[str(group)]:
                found[str(group)].append(one.name)
    return found
