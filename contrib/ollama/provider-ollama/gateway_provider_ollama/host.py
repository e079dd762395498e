"""OLLAMA_HOST as Ollama reads it. Source: Ollama, `envconfig/config.go`: Host, ConnectableHost."""

from __future__ import annotations

import re

from gateway import Address

PORT = "11434"
_PORTS = {"http": "80", "https": "443"}
_HOST = re.compile(r"(\[[0-9a-fA-F:.%]*\]|[^:/]*)(?::(\d*))?")
_ANY = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "[::]": "[::1]"}


def address(text: str) -> Address:
    """`host`, `host:port`, `:port`, a bare IPv6 address, or a URL. Raises ValueError with what is wrong."""
    scheme, marked, rest = text.strip().rpartition("://")
    scheme, port = (scheme, _PORTS.get(scheme, "")) if marked else ("http", PORT)
    if not marked and rest == "ollama.com":
        scheme, port = "https", "443"
    place, slash, path = rest.partition("/")
    if place.count(":") > 1 and not place.startswith("["):
        place = f"[{place}]"
    found = _HOST.fullmatch(place)
    if found is None:
        raise ValueError("it names no host and port")
    host = _ANY.get(found[1], found[1])
    return Address(f"{scheme}://{host}:{found[2] or port}{slash}{path}")
