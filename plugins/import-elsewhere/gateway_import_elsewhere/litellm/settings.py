"""LiteLLM's configuration as sections of `librechat.yaml`, for the operator to read and take."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import yaml

from ..verdict import Note
from .config import Deployment, Given, deployments, section
from .places import Nowhere, Place, place

HEAD = """\
# Made of LiteLLM's configuration. Read it and take what you want; `gateway check FILE` tells what is wrong.
"""
MILLION = 10**6
PRICES = {
    "input_cost_per_token": "input",
    "output_cost_per_token": "output",
    "cache_read_input_token_cost": "cache_read",
    "cache_creation_input_token_cost": "cache_write_5m",
}
WINDOWS = {"max_input_tokens": "context", "max_output_tokens": "max_output"}
PLACED = {"api_key", "api_base", "base_url", "api_version", "rpm", "tpm", "weight", *PRICES}
ABOUT = {"access_groups", "id", *PRICES, *WINDOWS}
FALLBACKS = ("fallbacks", "context_window_fallbacks", "default_fallbacks", "model_group_alias")
ROUTER = {*FALLBACKS, "num_retries", "timeout", "cooldown_time", "allowed_fails", "routing_strategy"}
NO_PLACE = "the gateway has no place for it"
REASONS = {
    "general_settings.master_key": "put it into GATEWAY_API_KEY, and it goes on working",
    "general_settings.database_url": "`--database` reads it; the gateway's own is gateway.store.url",
    "litellm_settings.callbacks": "Prometheus is at /metrics, usage in `gateway usage`",
    "litellm_settings.success_callback": "Prometheus is at /metrics, usage in `gateway usage`",
    "litellm_settings.drop_params": "what cannot be expressed is left out and told in x-gateway-loss anyway",
    "environment_variables": "put them into the gateway's environment",
}


class SettingsOf:
    """yaml: what is to be written. notes: what became of each model and each setting. role: who may call the routes."""

    def __init__(self, given: Given, role: str) -> None:
        self.notes: list[Note] = []
        self._given, self._role = given, role
        self._router = {**section(given, "litellm_settings"), **section(given, "router_settings")}
        self._places: dict[str, list[tuple[Deployment, Place]]] = {}
        for one in deployments(given):
            self._put(one)
        routes = [*self._routes()]
        document = {"version": "1.3.17", "endpoints": self._endpoints(), "gateway": self._gateway(routes)}
        self.notes.extend(self._others())
        filled = {key: value for key, value in document.items() if value}
        self.yaml = HEAD + yaml.safe_dump(filled, sort_keys=False, allow_unicode=True, width=120)

    def _put(self, one: Deployment) -> None:
        shown = f"{one.name}: {one.model}"
        if "*" in one.name or "*" in one.model:
            why = "a pattern is no route; callers write `endpoint/model`, and keys may be limited to patterns of it"
            self.notes.append(Note("models", shown, "dropped", why))
            return
        try:
            found = place(one)
        except Nowhere as error:
            self.notes.append(Note("models", shown, "dropped", str(error)))
            return
        self._places.setdefault(one.name, []).append((one, found))
        self.notes.append(Note("models", shown, "changed" if found.told else "carried", "; ".join(found.told)))
        for name in one.parameters.keys() - PLACED:
            why = "parameters of a deployment are those of an agent here (gateway.agents)"
            self.notes.append(Note("models.litellm_params", f"{shown}: {name}", "dropped", why))
        for name in one.about.keys() - ABOUT:
            why = "what a model can do is in the gateway's own tables, or in gateway.catalogue"
            self.notes.append(Note("models.model_info", f"{shown}: {name}", "dropped", why))

    def _endpoints(self) -> Mapping[str, Any]:
        custom: dict[str, dict[str, Any]] = {}
        groups: dict[str, dict[str, Any]] = {}
        for found in self._all():
            if found.custom is not None:
                entry = custom.setdefault(found.endpoint, {**found.custom, "models": {"default": []}})
                if found.model not in entry["models"]["default"]:
                    entry["models"]["default"].append(found.model)
            elif found.azure is not None:
                group = groups.setdefault(found.azure["group"], {**found.azure, "models": {}})
                group["models"][found.model] = {"deploymentName": found.model, "version": found.azure["version"]}
        azure = {"azureOpenAI": {"groups": list(groups.values())}} if groups else {}
        return {**azure, **({"custom": list(custom.values())} if custom else {})}

    def _gateway(self, routes: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
        found: dict[str, Any] = {"catalogue": self._catalogue(), "routes": list(routes)}
        if limits := list(self._limits()):
            found["permission-limits"] = {"limits": limits}
        return {key: value for key, value in found.items() if value}

    def _routes(self) -> Iterator[Mapping[str, Any]]:
        aliases = section(self._router, "model_group_alias")
        for name in self._places:
            yield self._route(name, name)
        for alias, given in aliases.items():
            name = str(given.get("model") if isinstance(given, dict) else given)
            if name in self._places and alias not in self._places:
                yield self._route(alias, name)
                self.notes.append(Note("settings.model_group_alias", alias, "carried"))
            else:
                self.notes.append(Note("settings.model_group_alias", alias, "dropped", "its model is not among these"))

    def _route(self, called: str, name: str) -> Mapping[str, Any]:
        """Deployments of one name share the calls; fallbacks come after them, and are asked for failures alone."""
        own = list(dict.fromkeys(found.target for _, found in self._places[name]))
        weights = {found.target: _weight(one) for one, found in reversed(self._places[name])}
        after = [target for target in self._after(name) if target not in own]
        many = len(own) > 1
        targets = [{"model": one, **({"weight": weights[one]} if many else {})} for one in own]
        targets += [{"model": one, **({"weight": 0} if many else {})} for one in after]
        route: dict[str, Any] = {"name": called, "strategy": "weighted" if many else "ordered", "targets": targets}
        if isinstance(retries := self._router.get("num_retries"), int):
            route["retries"] = max(0, min(retries, 10))
        if isinstance(timeout := self._router.get("timeout"), int | float) and timeout > 0:
            route["timeout"] = timeout
        breaker: dict[str, Any] = {}
        if isinstance(fails := self._router.get("allowed_fails"), int):
            breaker["failures"] = fails + 1
        if isinstance(cooldown := self._router.get("cooldown_time"), int | float) and cooldown > 0:
            breaker |= {"cooldown": cooldown, "longest": max(300, cooldown)}
        if breaker:
            route["breaker"] = breaker
        return {**route, "allow": {"roles": [self._role]}}

    def _after(self, name: str) -> Iterator[str]:
        for kind in ("fallbacks", "context_window_fallbacks"):
            for entry in self._router.get(kind) or ():
                yield from self._targets(kind, entry.get(name) if isinstance(entry, dict) else None)
        yield from self._targets("default_fallbacks", self._router.get("default_fallbacks"))

    def _targets(self, kind: str, names: object) -> Iterator[str]:
        for name in names if isinstance(names, list) else ():
            if name in self._places:
                yield from (found.target for _, found in self._places[name])
            elif (note := Note(f"settings.{kind}", str(name), "dropped", "it is not among these")) not in self.notes:
                self.notes.append(note)

    def _catalogue(self) -> Mapping[str, Any]:
        found: dict[str, Any] = {}
        for one, at in ((one, at) for places in self._places.values() for one, at in places):
            given = {**one.about, **one.parameters}
            prices = {ours: _million(given[key]) for key, ours in PRICES.items() if _number(given.get(key))}
            known: dict[str, Any] = {
                ours: given[key] for key, ours in WINDOWS.items() if isinstance(given.get(key), int)
            }
            if prices:
                known["prices"] = prices
            if known:
                found[at.target] = known
        return found

    def _limits(self) -> Iterator[Mapping[str, Any]]:
        for one, at in ((one, at) for places in self._places.values() for one, at in places):
            rates = {"requests": one.parameters.get("rpm"), "tokens": one.parameters.get("tpm")}
            if given := {key: value for key, value in rates.items() if isinstance(value, int) and value > 0}:
                yield {"name": f"{one.name} at {at.target}", **given, "only": {"target": [at.target]}}

    def _others(self) -> Iterator[Note]:
        """Every setting, in one line each."""
        for part, given in self._given.items():
            if part == "model_list":
                continue
            for name in given if isinstance(given, dict) else [""]:
                path = f"{part}.{name}" if name else part
                if part in ("router_settings", "litellm_settings") and name in ROUTER:
                    yield self._routed(path, name)
                else:
                    yield Note("settings", path, "dropped", REASONS.get(path, REASONS.get(part, NO_PLACE)))

    def _routed(self, path: str, name: str) -> Note:
        if name == "routing_strategy" and self._router[name] != "simple-shuffle":
            why = f"{self._router[name]} is none here: deployments share the calls by their weights"
            return Note("settings", path, "changed", why)
        if name == "context_window_fallbacks":
            return Note("settings", path, "changed", "a route has one list of fallbacks, for every failure")
        return Note("settings", path, "carried")

    def _all(self) -> Iterator[Place]:
        return (found for places in self._places.values() for _, found in places)


def _weight(one: Deployment) -> float:
    given = one.parameters.get("weight") or one.parameters.get("rpm") or one.parameters.get("tpm") or 1
    return given if _number(given) else 1


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0


def _million(value: float) -> float:
    """USD per million tokens, without the noise of binary fractions."""
    return round(value * MILLION, 9)
