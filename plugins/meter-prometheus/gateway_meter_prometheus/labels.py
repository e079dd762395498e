"""Values of labels, bounded: what a caller makes up never becomes one."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

from gateway import Provider, UsageRecord

OTHER = "other"
MOST_MODELS = 200
ERRORS = {
    "UpstreamRefused": "refused",
    "UpstreamUnreachable": "unreachable",
    "UpstreamTimeout": "timeout",
    "UpstreamBroken": "broken",
}


class Models:
    """Which names of models are labels: those the configuration or an endpoint's list bounds, and, where an endpoint
    takes any name, those that it has served. `most` at most; any further one is `other`.
    """

    def __init__(self, endpoints: Mapping[str, Provider], most: int = MOST_MODELS) -> None:
        self.endpoints = endpoints
        self._most = most
        self._known: set[tuple[str, str]] = set()

    def label(self, record: UsageRecord) -> str:
        model = (record.endpoint, record.model_served)
        if not record.model_served or model in self._known:
            return record.model_served
        if len(self._known) >= self._most or not self._bounded(record):
            return OTHER
        self._known.add(model)
        return record.model_served

    def _bounded(self, record: UsageRecord) -> bool:
        provider = self.endpoints.get(record.endpoint)
        listed = provider is not None and not provider.open
        return listed or bool(record.agent) or 200 <= record.status < 300


@cache
def status_class(status: int) -> str:
    """`2xx`; `none` where no status went out."""
    return f"{status // 100}xx" if status else "none"


def error_class(error: str) -> str:
    """Of an attempt's error text, which begins with its class."""
    return ERRORS.get(error.partition(":")[0], OTHER)
