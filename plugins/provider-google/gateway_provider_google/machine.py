"""The account of the machine itself: on Compute Engine, GKE and Cloud Run its metadata server gives out access tokens.

Source: Google Cloud, "Obtain an access token for a service account attached to a resource"; google-auth's variables.
"""

from __future__ import annotations

from pathlib import Path

from gateway import Services, Settings
from gateway.endpoint import MachineTokens

HOST = "metadata.google.internal"
HOST_VARIABLE, RUN_VARIABLE = "GCE_METADATA_HOST", "K_SERVICE"
PATH = "/computeMetadata/v1/instance/service-accounts/default/token"
HEADERS = {"Metadata-Flavor": "Google"}
PRODUCT = Path("/sys/class/dmi/id/product_name")


def is_there(settings: Settings, product: Path = PRODUCT) -> bool:
    """Whether a variable, or the machine itself, says that it runs on Google Cloud: nobody else's network is asked."""
    if settings.env(HOST_VARIABLE) or settings.env(RUN_VARIABLE):
        return True
    try:
        return product.read_text("utf-8").startswith("Google")
    except (OSError, UnicodeDecodeError):
        return False


def tokens(settings: Settings, services: Services, endpoint: str) -> MachineTokens:
    url = f"http://{settings.env(HOST_VARIABLE) or HOST}{PATH}"
    return MachineTokens(services.upstream, services.clock, services.log, f"endpoint {endpoint}", url, HEADERS)
