"""What every endpoint of librechat.yaml has in common, for providers to build on.

fields: the keys. reading: what they say, and unusable: why that cannot be used. headers: their headers, filled for each
caller. address: URLs below a base. names: names of models in settings and data. listing: the upstream's list of them.
callers: a list for each caller. upstreams: what is known of upstreams, as data. brought: what callers bring themselves.
access_tokens: for upstreams that take no keys; service_account, machine_account: whose. renewed: values that do not
last; behind: how these and lists are fetched anew. configured: the provider that tells what is wrong. parameters:
members that the operator sets and drops.
"""

from __future__ import annotations

from .access_tokens import AccessTokens
from .address import Address
from .behind import Behind
from .brought import USER_PROVIDED, brought, brought_address
from .callers import CallerLists
from .configured import ConfiguredProvider
from .fields import AllEndpoints, BaseFields, EndpointFields, endpoint_enabled, endpoint_headers
from .headers import BadHeader, HeaderTemplates
from .listing import FixedNames, ModelList, Names
from .machine_account import MachineTokens
from .names import DefaultNames, listed
from .parameters import Parameters, parameters
from .renewed import Renewed
from .service_account import TokenSource
from .service_key import ServiceKey
from .unusable import Unusable
from .upstreams import UNKNOWN, Known, KnownUpstreams

__all__ = [
    "UNKNOWN",
    "USER_PROVIDED",
    "AccessTokens",
    "Address",
    "AllEndpoints",
    "BadHeader",
    "BaseFields",
    "Behind",
    "CallerLists",
    "ConfiguredProvider",
    "DefaultNames",
    "EndpointFields",
    "FixedNames",
    "HeaderTemplates",
    "Known",
    "KnownUpstreams",
    "MachineTokens",
    "ModelList",
    "Names",
    "Parameters",
    "Renewed",
    "ServiceKey",
    "TokenSource",
    "Unusable",
    "brought",
    "brought_address",
    "endpoint_enabled",
    "endpoint_headers",
    "listed",
    "parameters",
]
