"""Where LiteLLM's deployments are, as endpoints of `librechat.yaml`.

A provider whose key has the variable that the gateway reads anyway is its own endpoint; all others are custom ones.
Source: LiteLLM `docs/my-website/docs/providers`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from .config import Deployment

VARIABLE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
BUILT_IN = {
    "openai": ("openAI", "OPENAI_API_KEY", "OPENAI_API_KEY"),
    "anthropic": ("anthropic", "ANTHROPIC_API_KEY", "ANTHROPIC_API_KEY"),
    "gemini": ("google", "GEMINI_API_KEY", "GOOGLE_KEY"),
    "bedrock": ("bedrock", "AWS_ACCESS_KEY_ID", "BEDROCK_AWS_ACCESS_KEY_ID"),
}
"""Endpoint, LiteLLM's variable of the key, and the gateway's."""
KNOWN = {
    "groq": "groq",
    "mistral": "mistral",
    "deepseek": "deepseek",
    "xai": "xai",
    "cerebras": "cerebras",
    "together_ai": "together",
    "fireworks_ai": "fireworks",
    "perplexity": "perplexity",
    "moonshot": "moonshot",
    "openrouter": "openrouter",
    "nvidia_nim": "nvidia",
    "sambanova": "sambanova",
    "deepinfra": "deepinfra",
}
"""Upstreams that the gateway knows by name, by LiteLLM's prefix."""
COMPATIBLE = frozenset(
    {"openai", "hosted_vllm", "vllm", "lm_studio", "llamafile", "ollama", "ollama_chat", "openai_like"}
)
"""Prefixes whose `api_base` speaks OpenAI's API."""
ROUTES = re.compile(r"(?:converse|invoke|converse_like)/")


class Place(msgspec.Struct, frozen=True):
    """endpoint: its name. model: as the upstream knows it. custom: an entry of `endpoints.custom`, without models.

    azure: a group of `endpoints.azureOpenAI`, without models. told: what the operator is to know or do.
    """

    endpoint: str
    model: str
    custom: Mapping[str, Any] | None = None
    azure: Mapping[str, Any] | None = None
    told: tuple[str, ...] = ()

    @property
    def target(self) -> str:
        return f"{self.endpoint}/{self.model}"


class Nowhere(Exception):
    """Why a deployment has no endpoint, for people."""


def place(one: Deployment) -> Place:
    """Raises Nowhere."""
    prefix, _, model = one.model.partition("/")
    if not model:
        prefix, model = "openai", one.model
    base = one.parameters.get("api_base") or one.parameters.get("base_url")
    key, told = _key(one, prefix)
    if prefix == "azure":
        return _azure(one, model, key, told)
    if prefix in BUILT_IN and not base and key in (None, f"${{{BUILT_IN[prefix][1]}}}"):
        return _built_in(prefix, ROUTES.sub("", model), told)
    if prefix in COMPATIBLE and isinstance(base, str):
        return _custom(prefix, model, key, told, baseURL=_versioned(prefix, _filled(base)))
    if prefix == "openai":
        return _custom(prefix, model, key, told, baseURL="https://api.openai.com/v1")
    if prefix == "anthropic":
        given = _filled(base) if isinstance(base, str) else "https://api.anthropic.com"
        return _custom(prefix, model, key, told, baseURL=given, provider="anthropic")
    if prefix in KNOWN:
        more = {"baseURL": _filled(base)} if isinstance(base, str) else {}
        return _custom(KNOWN[prefix], model, key or f"${{{prefix.upper()}_API_KEY}}", told, named=not base, **more)
    raise Nowhere(
        f"{prefix} has no endpoint here that it could be written as; where it speaks OpenAI's API, write one of"
        " endpoints.custom with its baseURL"
    )


def _built_in(prefix: str, model: str, told: tuple[str, ...]) -> Place:
    endpoint, theirs, ours = BUILT_IN[prefix]
    more = () if theirs == ours else (f"put what {theirs} has into {ours}",)
    return Place(endpoint, model, told=(*told, *more))


def _custom(prefix: str, model: str, key: str | None, told: tuple[str, ...], named: bool = False, **more: str) -> Place:
    """The name is the upstream's where that is how the gateway knows it; otherwise it tells places apart."""
    entry = {"name": prefix, "apiKey": key or "none", **more}
    if not named:
        marks = [re.sub(r"[^a-z0-9]+", "-", more.get("baseURL", "").partition("://")[2].lower()).strip("-")]
        if key and (variable := re.fullmatch(r"\$\{(\w+)\}", key)):
            marks.append(variable[1].lower().replace("_", "-"))
        entry["name"] = "-".join(["litellm", prefix.replace("_", "-"), *filter(None, marks)])
    return Place(entry["name"], model, custom=entry, told=told)


def _azure(one: Deployment, model: str, key: str | None, told: tuple[str, ...]) -> Place:
    base, version = one.parameters.get("api_base"), str(one.parameters.get("api_version") or "2024-10-21")
    if not isinstance(base, str):
        raise Nowhere("it has no api_base, which says where on Azure it is")
    found = re.match(r"https://([a-z0-9-]+)\.openai\.azure\.com", base)
    if found is None:
        raise Nowhere("its api_base is no https://NAME.openai.azure.com; write it as a group of endpoints.azureOpenAI")
    group = {
        "group": f"litellm-{found[1]}-{version}",
        "apiKey": key or "${AZURE_API_KEY}",
        "instanceName": found[1],
        "version": version,
    }
    return Place("azureOpenAI", model, azure=group, told=told)


def _key(one: Deployment, prefix: str) -> tuple[str | None, tuple[str, ...]]:
    """As `${NAME}`. One that stands in the file is not copied."""
    given = one.parameters.get("api_key")
    if not isinstance(given, str) or not given:
        return None, ()
    if found := VARIABLE.fullmatch(given):
        return f"${{{found[1]}}}", ()
    name = re.sub(r"[^A-Z0-9]+", "_", f"LITELLM_{prefix}_{one.name}_KEY".upper())
    return f"${{{name}}}", (f"its api_key stands in the file; put it into {name}",)


def _filled(text: str) -> str:
    return VARIABLE.sub(lambda found: f"${{{found[1]}}}", text)


def _versioned(prefix: str, base: str) -> str:
    """Ollama's own API has no version in its paths, its OpenAI API has."""
    return f"{base.rstrip('/')}/v1" if prefix.startswith("ollama") and not base.rstrip("/").endswith("/v1") else base
