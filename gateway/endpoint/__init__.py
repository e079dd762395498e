"""What every endpoint of librechat.yaml has in common, for providers to build on.

fields: the keys. headers: their headers, filled for each caller. address: URLs below a base. listing: the upstream's
list of models. callers: a list for each caller. upstreams: what is known of upstreams, as data. brought: what callers
bring themselves. service_account: access tokens for upstreams that take no keys.
"""

from __future__ import annotations

from .address import Address
from .brought import USER_PROVIDED, brought, brought_address
from .callers import CallerLists
from .fields import AllEndpoints, BaseFields, EndpointFields, endpoint_enabled, endpoint_headers
from .headers import BadHeader, HeaderTemplates
from .listing import ModelList
from .service_account import TokenSource
from .service_key import ServiceKey
from .upstreams import UNKNOWN, Known, KnownUpstreams

__all__ = [
    "UNKNOWN",
    "USER_PROVIDED",
    "Address",
    "AllEndpoints",
    "BadHeader",
    "BaseFields",
    "CallerLists",
    "EndpointFields",
    "HeaderTemplates",
    "Known",
    "KnownUpstreams",
    "ModelList",
    "ServiceKey",
    "TokenSource",
    "brought",
    "brought_address",
    "endpoint_enabled",
    "endpoint_headers",
]
