"""GET /api/config: what LibreChat's client is told before a login, and what more after it.

Nobody logs in here: keys let in. Hence every way to do so is told as switched off.
Source: LibreChat `api/server/routes/config.js`.
"""

from __future__ import annotations

import msgspec

from gateway import Answer, Inbound, Principal, Settings

from .answers import told
from .section import InterfaceFields

LOGINS = ("discord", "facebook", "github", "google", "apple", "openid", "saml")
Members = dict[str, object]


class Config:
    def __init__(self, settings: Settings) -> None:
        interface = settings.one(InterfaceFields)
        self._before = _before(settings, interface)
        self._after = self._before | _after(settings, interface)

    async def get(self, inbound: Inbound, principal: Principal) -> Answer:
        return told(self._after if principal.user_id else self._before)


def _before(settings: Settings, interface: InterfaceFields) -> Members:
    members: Members = {"appTitle": settings.env("APP_TITLE") or "LibreChat"}
    members |= {f"{name}LoginEnabled": False for name in LOGINS}
    members |= {
        "openidLabel": settings.env("OPENID_BUTTON_LABEL") or "Continue with OpenID",
        "openidAutoRedirect": False,
        "samlLabel": settings.env("SAML_BUTTON_LABEL") or "Continue with SAML",
        "serverDomain": settings.env("DOMAIN_SERVER") or "http://localhost:3080",
        "emailLoginEnabled": False,
        "registrationEnabled": False,
        "socialLoginEnabled": False,
        "emailEnabled": False,
        "passwordResetEnabled": False,
        "socialLogins": (),
    }
    links = _links(interface)
    if links:
        members["interface"] = links | ({} if interface.build_info else {"buildInfo": False})
    return members


def _after(settings: Settings, interface: InterfaceFields) -> Members:
    switches = msgspec.to_builtins(interface)
    for name in ("privacyPolicy", "termsOfService", "customWelcome"):
        if not switches[name]:
            del switches[name]
    members: Members = {
        "helpAndFaqURL": settings.env("HELP_AND_FAQ_URL") or "https://librechat.ai",
        "showBirthdayIcon": False,
        "sharedLinksEnabled": False,
        "publicSharedLinksEnabled": False,
        "sharedLinksSnapshotFilesEnabled": False,
        "openidReuseTokens": False,
        "allowAccountDeletion": False,
        "insightsEnabled": False,
        "fileUploadSseEnabled": False,
        "balance": {"enabled": False},
        "interface": switches,
    }
    for name, variable in (("customFooter", "CUSTOM_FOOTER"), ("analyticsGtmId", "ANALYTICS_GTM_ID")):
        if text := settings.env(variable):
            members[name] = text
    return members


def _links(interface: InterfaceFields) -> Members:
    links = {"privacyPolicy": interface.privacy_policy, "termsOfService": interface.terms_of_service}
    return {name: link for name, link in links.items() if link is not None}
