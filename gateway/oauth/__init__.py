"""Users who are logged in to services elsewhere by OAuth: their tokens, kept encrypted, and renewed in time.

site: a service, and who lets users in there. logins: tokens, and how they come. grants: what is asked of authorization
servers. records: what is kept for users. browser: pages, and the cookie of a login. failures: what goes wrong.
"""

from __future__ import annotations

from .browser import BrowserCookie, page, sent_to
from .failures import Lacking, LoginFailed, NotLoggedIn
from .logins import Invitation, Logins
from .records import Records
from .site import Authority, Site, Terms, Trust, is_protected, origin

__all__ = [
    "Authority",
    "BrowserCookie",
    "Invitation",
    "Lacking",
    "LoginFailed",
    "Logins",
    "NotLoggedIn",
    "Records",
    "Site",
    "Terms",
    "Trust",
    "is_protected",
    "origin",
    "page",
    "sent_to",
]
