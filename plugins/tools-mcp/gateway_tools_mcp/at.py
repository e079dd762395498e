"""At: a server as a site that users log in to, and what its settings say of that."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from gateway.oauth import Site, Terms, Trust

from .section import OAuth


class At(Struct, frozen=True):
    """site: without its url, which may be another one for each caller."""

    site: Site
    oauth: OAuth

    @classmethod
    def of(
        cls, name: str, oauth: OAuth, headers: Mapping[str, str], redirect_uri: str, trust: Trust = "operator"
    ) -> At:
        """headers: LibreChat's `oauth_headers`."""
        terms = Terms(
            client_id=oauth.client_id,
            client_secret=oauth.client_secret,
            method=oauth.token_exchange_method,
            token_url=oauth.token_url,
            send_resource=oauth.send_resource_parameter,
            audience=oauth.audience,
            audience_on_refresh=oauth.forward_audience_on_refresh,
        )
        return cls(Site(name, "", terms, headers, redirect_uri, trust), oauth)
