"""LibreChat's older variables for Azure, as a group. They count where `endpoints.azureOpenAI` is not given.

Source: LibreChat `packages/api/src/utils/azure.ts`, `getAzureCredentials`, and `packages/data-provider/src/azure.ts`,
which calls them deprecated.
"""

from __future__ import annotations

from gateway import Secret, Settings
from gateway.endpoint import listed

from .section import AzureGroup

NAME = "environment"
KEYS = ("AZURE_API_KEY", "AZURE_OPENAI_API_KEY")
VARIABLES = {
    "apiKey": "AZURE_API_KEY",
    "instanceName": "AZURE_OPENAI_API_INSTANCE_NAME",
    "deploymentName": "AZURE_OPENAI_API_DEPLOYMENT_NAME",
    "version": "AZURE_OPENAI_API_VERSION",
    "baseURL": "AZURE_OPENAI_BASEURL",
}
"""By the keys that a group has for them."""


def given(settings: Settings) -> bool:
    return any(settings.env(name) for name in KEYS)


def group_of(settings: Settings) -> AzureGroup:
    """models: those of AZURE_OPENAI_MODELS."""
    key = next((value for name in KEYS if (value := settings.env(name))), "")
    return AzureGroup(
        group=NAME,
        api_key=Secret(key),
        instance_name=settings.env("AZURE_OPENAI_API_INSTANCE_NAME") or "",
        deployment_name=settings.env("AZURE_OPENAI_API_DEPLOYMENT_NAME") or "",
        version=settings.env("AZURE_OPENAI_API_VERSION") or "",
        base_url=settings.env("AZURE_OPENAI_BASEURL") or "",
        models=dict.fromkeys(listed(settings.env("AZURE_OPENAI_MODELS")), True),
    )
