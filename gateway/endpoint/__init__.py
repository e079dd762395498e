"""What every endpoint of librechat.yaml has in common, for providers to build on.

fields: the keys. headers: their headers, filled for each caller. address: URLs below a base. listing: the upstream's
list of models. service_account: access tokens for upstreams that take no keys.
"""

from __future__ import annotations

from .address import Address
from .fields import AllEndpoints, BaseFields, EndpointFields, endpoint_enabled, endpoint_headers
from .headers import BadHeader, HeaderTemplates
from .listing import ModelList
from .service_account import TokenSource
from .service_key import ServiceKey

__all__ = [
    "Address",
    "AllEndpoints",
    "BadHeader",
    "BaseFields",
    "EndpointFields",
    "HeaderTemplates",
    "ModelList",
    "ServiceKey",
    "TokenSource",
    "endpoint_enabled",
    "endpoint_headers",
]
