"""What every endpoint of librechat.yaml has in common, for providers to build on.

fields: the keys. headers: their headers, filled for each caller. address: URLs below a base. listing: the upstream's
list of models.
"""

from __future__ import annotations

from .address import Address
from .fields import AllEndpoints, BaseFields, EndpointFields, endpoint_enabled, endpoint_headers
from .headers import BadHeader, HeaderTemplates
from .listing import ModelList

__all__ = [
    "Address",
    "AllEndpoints",
    "BadHeader",
    "BaseFields",
    "EndpointFields",
    "HeaderTemplates",
    "ModelList",
    "endpoint_enabled",
    "endpoint_headers",
]
