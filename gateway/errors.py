"""The error tree: what can go wrong, as which HTTP status, and what a client may read of it.

    GatewayError                  status, kind, code, public, retry_after
    ├─ Refused                    we said no
    │   ├─ BadCall 400  ├─ Unauthenticated 401  ├─ QuotaExceeded 402  ├─ Forbidden 403  ├─ UnknownModel 404
    │   ├─ NotFound 404 ├─ WrongMethod 405      ├─ SlowBody 408       ├─ Conflict 409   ├─ TooLarge 413
    │   ├─ Unsupported 422  ├─ RateLimited 429  └─ Unavailable 503
    └─ UpstreamError              the other side
        ├─ UpstreamRefused        its own status, except 401 and 403, which become 502: its credentials are ours
        ├─ UpstreamUnreachable 502  ├─ UpstreamTimeout 504  └─ UpstreamBroken 502
    InternalFault 500             our own defect; the text says nothing of it
    StartupError                  never becomes HTTP: SettingsError, PluginError

Dialects put `public`, `kind`, `code` and `param` into their own envelope. The cause is for the log (`raise … from`).
"""

from __future__ import annotations

from typing import ClassVar

PROXY_FAILED = "proxy_failed"
"""The `code` where not the upstream failed but the proxy on the way to it."""


class GatewayError(Exception):
    """What a client is told: `public` is safe text; `kind` names the class of error in words dialects map."""

    status: int = 500
    kind: ClassVar[str] = "server_error"
    code: str | None = None

    def __init__(
        self,
        public: str,
        *,
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(public)
        self.public = public
        self.param = param
        self.retry_after = retry_after
        if code is not None:
            self.code = code


class Refused(GatewayError):
    """We said no; nothing was spent."""


class BadCall(Refused):
    status, kind = 400, "invalid_request"


class Unauthenticated(Refused):
    status, kind, code = 401, "authentication", "invalid_api_key"


class QuotaExceeded(Refused):
    status, kind, code = 402, "quota_exceeded", "insufficient_quota"


class Forbidden(Refused):
    status, kind, code = 403, "permission", "access_denied"


class UnknownModel(Refused):
    status, kind, code = 404, "not_found", "model_not_found"


class NotFound(Refused):
    status, kind, code = 404, "not_found", "not_found"


class WrongMethod(Refused):
    """`allowed`: the methods that the path has."""

    status, kind, code = 405, "invalid_request", "method_not_allowed"

    def __init__(self, public: str, allowed: tuple[str, ...]) -> None:
        super().__init__(public)
        self.allowed = allowed


class SlowBody(Refused):
    status, kind, code = 408, "invalid_request", "request_timeout"


class Conflict(Refused):
    status, kind, code = 409, "conflict", "conflict"


class TooLarge(Refused):
    status, kind, code = 413, "too_large", "request_too_large"


class Unsupported(Refused):
    status, kind, code = 422, "unsupported", "unsupported"


class RateLimited(Refused):
    status, kind, code = 429, "rate_limit", "rate_limit_exceeded"


class Unavailable(Refused):
    status, kind, code = 503, "unavailable", "unavailable"


class InternalFault(GatewayError):
    """A defect of ours: the client reads that it is, and the id to name; the log has the rest."""

    status, kind, code = 500, "server_error", "internal_error"


class UpstreamError(GatewayError):
    """The other side failed. `family` is the class that metrics count it under."""

    status, kind, code = 502, "upstream", "upstream_error"
    family: ClassVar[str] = "broken"


class UpstreamRefused(UpstreamError):
    """The upstream answered with an error status.

    upstream_status: what it answered. body, content_type: its own words, kept for clients of the same dialect;
    empty where they may quote our credentials. dialect: whose words they are; the pipeline fills it in.
    """

    family = "refused"

    def __init__(
        self,
        public: str,
        upstream_status: int,
        *,
        body: bytes = b"",
        content_type: str = "",
        code: str | None = None,
        param: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        credentials = upstream_status in (401, 403)
        super().__init__(
            "The upstream refused the gateway's own credentials; its operator has to mend that."
            if credentials
            else public,
            code="upstream_credentials_refused" if credentials else code,
            param=param,
            retry_after=retry_after,
        )
        self.upstream_status = upstream_status
        self.status = 502 if credentials or upstream_status < 400 else upstream_status
        self.body = b"" if credentials else body
        self.content_type = content_type
        self.dialect = ""

    def of_user_key(self) -> UpstreamRefused:
        """The same where the key was the caller's own: that it was refused is the caller's to know."""
        if self.upstream_status in (401, 403):
            self.status = self.upstream_status
            self.public = "The upstream refused the key that you brought for it."
            self.code = "upstream_key_refused"
        return self


class UpstreamUnreachable(UpstreamError):
    """There was no connection, so nothing was sent, and nothing is to be paid."""

    status, code = 502, "upstream_unreachable"
    family = "unreachable"


class UpstreamTimeout(UpstreamError):
    status, code = 504, "upstream_timeout"
    family = "timeout"


class UpstreamBroken(UpstreamError):
    """It broke its protocol, or the connection was lost; after the first byte clients read it in-band."""

    status, code = 502, "upstream_broken"
    family = "broken"


class StartupError(Exception):
    """Stops the start; never becomes HTTP."""


class SettingsError(StartupError):
    """The configuration is wrong; the text has a line for each finding."""


class PluginError(StartupError):
    """A plugin does not keep its contract; the text names it, its distribution and version."""
