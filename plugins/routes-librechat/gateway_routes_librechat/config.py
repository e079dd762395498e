"""GET /api/config: what LibreChat's client is told before a login, and what more after it.

What people can do by themselves to come in is told as a plugin offers it; where none does, keys alone let in. Logins by
others are told as switched off, and so is what the client would ask of calls that are not served. The rest comes from
the variables and keys that LibreChat takes it from.
Source: LibreChat `api/server/routes/config.js`.
"""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec

from gateway import AllEndpoints, Answer, Inbound, Principal, Services, Settings, SignIn

from .answers import Members, told
from .balance import balance_told
from .interface import after_login, before_login
from .model_specs import ModelSpecs, specs_shown
from .monitoring import enabled, monitoring
from .section import AgentsFields, RegistrationFields, TurnstileFields, WebSearchFields

LOGINS = ("discord", "facebook", "github", "google", "apple", "openid", "saml")
ADMIN = "ADMIN"
LIBRECHATS_BIRTHDAY = (2, 11)
_TEXTS_BEFORE = {
    "openidImageUrl": "OPENID_IMAGE_URL",
    "samlLabel": "SAML_BUTTON_LABEL",
    "samlImageUrl": "SAML_IMAGE_URL",
}
_TEXTS_AFTER = {
    "analyticsGtmId": "ANALYTICS_GTM_ID",
    "customFooter": "CUSTOM_FOOTER",
    "bundlerURL": "SANDPACK_BUNDLER_URL",
    "staticBundlerURL": "SANDPACK_STATIC_BUNDLER_URL",
    "sharePointBaseUrl": "SHAREPOINT_BASE_URL",
    "sharePointPickerGraphScope": "SHAREPOINT_PICKER_GRAPH_SCOPE",
    "sharePointPickerSharePointScope": "SHAREPOINT_PICKER_SHAREPOINT_SCOPE",
}
_NOT_SERVED = (
    "sharedLinksEnabled",
    "publicSharedLinksEnabled",
    "sharedLinksSnapshotFilesEnabled",
    "openidReuseTokens",
    "sharePointFilePickerEnabled",
    "langfuseFanoutEnabled",
    "langfuseConnectionAccess",
    "insightsEnabled",
    "fileUploadSseEnabled",
)


class Config:
    def __init__(self, settings: Settings, services: Services) -> None:
        self._services = services
        self._birthday = enabled(settings, "SHOW_BIRTHDAY_ICON")
        self._specs = settings.one(ModelSpecs)
        self._panel = settings.env("ADMIN_PANEL_URL")
        self._before = _before(settings)
        interface = before_login(settings)
        self._stranger = self._before | ({"interface": interface} if interface else {})
        self._after = self._before | _after(settings)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        members = self._for(principal) if principal.user_id else self._stranger
        return told(members | _entering(SignIn.offered(self._services.state), bool(principal.user_id)))

    def _for(self, principal: Principal) -> Members:
        members = self._after | {"showBirthdayIcon": self._birthday or _is_birthday(self._services.clock())}
        specs = specs_shown(self._specs, self._services.endpoints)
        if specs is not None:
            members["modelSpecs"] = specs
        if self._panel and principal.role == ADMIN:
            members["adminPanelURL"] = self._panel
        return members


def _before(settings: Settings) -> Members:
    members: Members = {"appTitle": settings.env("APP_TITLE") or "LibreChat"}
    members |= {f"{name}LoginEnabled": False for name in LOGINS}
    members |= {
        "openidLabel": settings.env("OPENID_BUTTON_LABEL") or "Continue with OpenID",
        "openidAutoRedirect": False,
        "serverDomain": settings.env("DOMAIN_SERVER") or "http://localhost:3080",
        "socialLoginEnabled": False,
        "socialLogins": settings.one(RegistrationFields).social_logins,
        "turnstile": msgspec.to_builtins(settings.one(TurnstileFields)),
    }
    members |= _texts(settings, _TEXTS_BEFORE)
    watch = monitoring(settings)
    return members | ({"rum": watch} if watch else {})


def _entering(offered: SignIn, known: bool) -> Members:
    """known: whether it is told to somebody who is logged in."""
    members: Members = {
        "emailLoginEnabled": offered.email,
        "registrationEnabled": offered.registration,
        "emailEnabled": offered.mail,
        "passwordResetEnabled": offered.password_reset,
    }
    if offered.shortest_password:
        members["minPasswordLength"] = offered.shortest_password
    return members | ({"allowAccountDeletion": offered.deletion} if known else {})


def _after(settings: Settings) -> Members:
    members: Members = dict.fromkeys(_NOT_SERVED, False)
    members |= {
        "helpAndFaqURL": settings.env("HELP_AND_FAQ_URL") or "https://librechat.ai",
        "titleGenerationTiming": _title_timing(settings),
        "balance": balance_told(settings),
        "conversationImportMaxFileSize": _whole(settings, "CONVERSATION_IMPORT_MAX_FILE_SIZE_BYTES"),
        "interface": after_login(settings),
    }
    search = msgspec.to_builtins(settings.one(WebSearchFields))
    return members | _texts(settings, _TEXTS_AFTER) | ({"webSearch": search} if search else {})


def _texts(settings: Settings, variables: dict[str, str]) -> Members:
    return {name: text for name, variable in variables.items() if (text := settings.env(variable))}


def _title_timing(settings: Settings) -> str:
    said = (settings.one(AllEndpoints).title_timing, settings.one(AgentsFields).title_timing)
    return next((timing for timing in said if timing in ("immediate", "final")), "immediate")


def _whole(settings: Settings, variable: str) -> int:
    """0 where it is no whole number."""
    text = (settings.env(variable) or "").strip()
    return int(text) if text.isascii() and text.isdigit() else 0


def _is_birthday(now: float) -> bool:
    today = datetime.fromtimestamp(now, UTC)
    return (today.month, today.day) == LIBRECHATS_BIRTHDAY
