"""The groups of `endpoints.azureOpenAI`, each model of theirs as a deployment, and what is wrong with them.

Source of the checks: LibreChat `packages/data-provider/src/azure.ts`, `validateAzureGroups`, `mapModelToAzureConfig`.
"""

from __future__ import annotations

from collections.abc import Mapping

from gateway import Finding, HeaderTemplates, Settings
from gateway.endpoint import USER_PROVIDED, Unusable, parameters
from gateway.endpoint.reading import CORRECT_IT, header_templates, resolved

from .deployment import AzureDeployment, Plan, Unavailable, key_headers
from .place import DEPLOYMENT, INSTANCE, UNDATED, Parts, Place, place_of
from .section import AzureGroup, AzureModel
from .versions import Versions

PATH = "endpoints.azureOpenAI"
BY_MODEL = "AZURE_USE_MODEL_AS_DEPLOYMENT_NAME"
PLACEHOLDERS = {INSTANCE: "\x00I\x00", DEPLOYMENT: "\x00D\x00"}
"""LibreChat's own, which no variable of that name takes the place of."""


class Groups:
    """deployments: by the names of models, unavailable ones included. by_model: a model's name is its deployment's."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._versions = Versions.read()
        self.by_model = (settings.env(BY_MODEL) or "").lower() == "true"
        self._groups: set[str] = set()
        self.deployments: dict[str, AzureDeployment] = {}
        self.findings: list[Finding] = []

    def add(self, path: str, group: AzureGroup) -> None:
        """path: `endpoints.azureOpenAI.groups[n]`."""
        try:
            self._check(group)
        except Unusable as unusable:
            self.tell(path, unusable)
            for name in group.models:
                self.deployments.setdefault(name, Unavailable(str(unusable)))
            return
        self._groups.add(group.group)
        for name in parameters(group.add_params, ()).idle:
            what = "it is no member of a request and has no effect"
            self.findings.append(Finding(f"{path}.addParams.{name}", what, "take it out", "warning"))
        for name, model in group.models.items():
            self._add_model(path, group, name, model if isinstance(model, AzureModel) else AzureModel())

    def deployment(self, group: AzureGroup, name: str, model: AzureModel) -> AzureDeployment:
        """Raises Unusable."""
        parts = self._parts(group, name, model)
        key = self._resolved("apiKey", group.api_key.reveal())
        own_key, own_url = key == USER_PROVIDED, parts.base == USER_PROVIDED
        place = None if own_key or own_url else self._place(parts, name)
        undated = place.undated if place else parts.version in UNDATED
        found = parameters(group.add_params, group.drop_params)
        plan = Plan(
            group=group.group,
            parts=parts,
            headers=self._headers(group, {} if own_key or own_url else key_headers(key, parts)),
            quirks=self._versions.quirks(parts.version, parts.serverless, undated),
            set=found.set,
            drop=found.drop,
            responses_only=found.responses_only,
            own_key=own_key,
            own_url=own_url,
        )
        return AzureDeployment(plan, place)

    def _place(self, parts: Parts, name: str) -> Place:
        for key, value in (("deploymentName", parts.deployment), ("version", parts.version)):
            if not value and not parts.serverless:
                what = f"the model {name} has no {key}, and its group has none"
                raise Unusable(f"models.{name}", what, f"give {key}, for the model or for its group")
        try:
            return place_of(parts)
        except ValueError as error:
            raise Unusable("baseURL" if parts.base else "instanceName", str(error), CORRECT_IT) from error

    def _add_model(self, path: str, group: AzureGroup, name: str, model: AzureModel) -> None:
        try:
            if name in self.deployments:
                raise Unusable(f"models.{name}", "another group above it has a model of this name", "rename it")
            self.deployments[name] = self.deployment(group, name, model)
        except Unusable as unusable:
            self.tell(path, unusable)
            self.deployments.setdefault(name, Unavailable(str(unusable)))

    def _check(self, group: AzureGroup) -> None:
        if not group.group:
            raise Unusable("group", "it has no name", "name it")
        if group.group in self._groups:
            raise Unusable("group", f'"{group.group}" is the name of a group above it', "give it another name")
        if not group.api_key.reveal().strip():
            raise Unusable("apiKey", "it is missing", "give it")
        if group.serverless and not group.base_url:
            raise Unusable("baseURL", "it is missing, and a serverless group needs it", "give it")
        if not group.serverless and not group.instance_name:
            raise Unusable("instanceName", "it is missing", "give it, or say `serverless: true` with a `baseURL`")

    def _parts(self, group: AzureGroup, name: str, model: AzureModel) -> Parts:
        base = self._base(group.base_url)
        version = self._resolved("version", model.version or group.version)
        if group.serverless:
            return Parts(version=version, base=base, serverless=True)
        own = name.replace(".", "") if self.by_model else ""
        return Parts(
            instance=self._resolved("instanceName", group.instance_name),
            deployment=own or self._resolved("deploymentName", model.deployment_name or group.deployment_name),
            version=version,
            base=base,
        )

    def _base(self, text: str) -> str:
        for placeholder, mark in PLACEHOLDERS.items():
            text = text.replace(placeholder, mark)
        text = self._resolved("baseURL", text)
        for placeholder, mark in PLACEHOLDERS.items():
            text = text.replace(mark, placeholder)
        return text

    def _headers(self, group: AzureGroup, ours: Mapping[str, str]) -> HeaderTemplates:
        sources = dict.fromkeys(ours, "apiKey")
        return header_templates(self._settings, "additionalHeaders", group.additional_headers, ours, sources)

    def _resolved(self, key: str, text: str) -> str:
        return resolved(self._settings, key, text)

    def tell(self, path: str, unusable: Unusable) -> None:
        self.findings.append(unusable.below(path))
