"""AWS Signature Version 4: the headers that prove who sends a request. Sans-IO.

Source: AWS, "Create a signed AWS API request". A path is encoded once more than it stands in the URL, as every service
but S3 wants it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

from msgspec import Struct

from gateway import Secret

ALGORITHM = "AWS4-HMAC-SHA256"
_ENDING = "aws4_request"


class Keys(Struct, frozen=True):
    """session_token: for keys that do not last."""

    access_key_id: str
    secret_access_key: Secret
    session_token: Secret | None = None


def signed(
    method: str, url: str, headers: Mapping[str, str], body: bytes, keys: Keys, region: str, service: str, when: float
) -> dict[str, str]:
    """The headers to send beside `headers`, which are signed with them. when: epoch seconds."""
    stamp = datetime.fromtimestamp(when, UTC).strftime("%Y%m%dT%H%M%SZ")
    added = {"x-amz-date": stamp}
    if keys.session_token:
        added["x-amz-security-token"] = keys.session_token.reveal()
    covered = _canonical_headers({"host": host(url)} | dict(headers) | added)
    names = ";".join(covered)
    request = _canonical_request(method, url, covered, names, body)
    scope = f"{stamp[:8]}/{region}/{service}/{_ENDING}"
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{hashlib.sha256(request.encode()).hexdigest()}"
    key = _signing_key(keys.secret_access_key, stamp[:8], region, service)
    signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
    added["authorization"] = (
        f"{ALGORITHM} Credential={keys.access_key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
    )
    return added


def host(url: str) -> str:
    """The Host header that goes with a URL."""
    parts = urlsplit(url)
    name = (parts.hostname or "").encode("idna").decode() if not url.isascii() else parts.hostname or ""
    shown = f"[{name}]" if ":" in name else name
    return shown if parts.port is None else f"{shown}:{parts.port}"


def _canonical_request(method: str, url: str, covered: Mapping[str, str], names: str, body: bytes) -> str:
    parts = urlsplit(url)
    lines = "".join(f"{name}:{value}\n" for name, value in covered.items())
    payload = hashlib.sha256(body).hexdigest()
    return f"{method}\n{_path(parts.path)}\n{_query(parts.query)}\n{lines}\n{names}\n{payload}"


def _canonical_headers(headers: Mapping[str, str]) -> dict[str, str]:
    lowered = {name.lower().strip(): " ".join(value.split()) for name, value in headers.items()}
    return dict(sorted(lowered.items()))


def _path(path: str) -> str:
    """Without `.`, `..` and empty segments, and encoded again."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    end = "/" if kept and path.endswith("/") else ""
    return quote("/" + "/".join(kept) + end, safe="/~")


def _query(query: str) -> str:
    """Sorted by name, then value; encoded as it stands."""
    pairs = [(name, value) for name, _, value in (pair.partition("=") for pair in query.split("&") if pair)]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _signing_key(secret: Secret, day: str, region: str, service: str) -> bytes:
    key = ("AWS4" + secret.reveal()).encode()
    for part in (day, region, service, _ENDING):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
