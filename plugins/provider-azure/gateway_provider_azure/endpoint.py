"""AzureProvider: the endpoint `azureOpenAI`, whose models are deployments of several groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gateway import Finding, HttpProvider, Outgoing, Settings, Target, UnknownModel, endpoint_enabled
from gateway.endpoint import Unusable

from .deployment import CHAT, ENDPOINT, MEDIA, NAMES, RESPONSES, AzureDeployment
from .groups import PATH, Groups
from .section import AzureFields, AzureModel
from .variables import VARIABLES, given, group_of


class AzureProvider(HttpProvider):
    """What it gives as targets are its deployments; it has no address of its own."""

    endpoint = ENDPOINT
    kind = ENDPOINT
    dialects = (CHAT, RESPONSES, MEDIA)
    user_key_names = NAMES

    def __init__(self, groups: Groups) -> None:
        self._deployments: Mapping[str, AzureDeployment] = groups.deployments
        self._findings = groups.findings
        self._usable = tuple(name for name, one in self._deployments.items() if not one.unavailable)
        provided = {name for one in self._deployments.values() for name in one.user_provides}
        self.user_provides = tuple(sorted(provided))

    def url(self, outgoing: Outgoing) -> str:
        raise _unknown(outgoing)

    async def headers(self, outgoing: Outgoing) -> Mapping[str, str]:
        raise _unknown(outgoing)

    async def models(self) -> Sequence[str]:
        return self._usable

    def target(self, model: str) -> Target:
        found = self._deployments.get(model)
        return super().target(model) if found is None else found.target(model)

    def findings(self) -> Sequence[Finding]:
        return self._findings


class EnvironmentProvider(AzureProvider):
    """The same from variables. one: what every name stands for where none are listed.

    Where AZURE_USE_MODEL_AS_DEPLOYMENT_NAME says so, the name is its deployment's.
    """

    def __init__(self, groups: Groups, one: AzureDeployment) -> None:
        super().__init__(groups)
        self._one, self._by_model = one, groups.by_model
        self.open = not self._usable
        self.user_provides = one.user_provides

    def target(self, model: str) -> Target:
        deployment = model.replace(".", "")
        if not self.open or not deployment:
            return super().target(model)
        return (self._one.elsewhere(deployment) if self._by_model else self._one).target(model)


def endpoint(settings: Settings) -> AzureProvider | None:
    """None where nothing asks for it, or ENDPOINTS leaves it out."""
    if not endpoint_enabled(settings, ENDPOINT):
        return None
    if settings.given(PATH):
        return _configured(settings)
    return _from_variables(settings) if given(settings) else None


def _configured(settings: Settings) -> AzureProvider:
    groups = Groups(settings)
    for number, group in enumerate(settings.one(AzureFields).groups):
        groups.add(f"{PATH}.groups[{number}]", group)
    provider = AzureProvider(groups)
    if not groups.deployments:
        groups.tell(PATH, Unusable("groups", "there is none that names a model", "give one"))
        provider.unavailable = "groups: there is none that names a model"
    elif all(one.unavailable for one in groups.deployments.values()):
        provider.unavailable = next(iter(groups.deployments.values())).unavailable
    return provider


def _from_variables(settings: Settings) -> AzureProvider:
    groups, group = Groups(settings), group_of(settings)
    try:
        one = groups.deployment(group, group.deployment_name or "any", AzureModel())
        groups.deployments |= {name: groups.deployment(group, name, AzureModel()) for name in group.models}
    except Unusable as unusable:
        provider = AzureProvider(groups)
        named = Unusable(VARIABLES.get(unusable.where, unusable.where), unusable.what, unusable.todo)
        provider.unavailable = str(named)
        groups.findings.append(named.of(PATH) if unusable.where in VARIABLES else unusable.below(PATH))
        return provider
    return EnvironmentProvider(groups, one)


def _unknown(outgoing: Outgoing) -> UnknownModel:
    model = outgoing.target.model
    return UnknownModel(f"No group of the endpoint {ENDPOINT} has a model {model!r}.", param="model")
