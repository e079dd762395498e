"""Listening sockets and TLS, made before any worker starts."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Mapping

from .errors import StartupError
from .peers import is_loopback
from .settings.core import Listen, Tls


def bind(host: str, port: int, setting: str = "gateway.listen.port") -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises StartupError with a sentence for each fault."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        sock = socket.create_server((host, port), family=family, backlog=1024)
    except OSError as error:
        raise StartupError(_why(error, host, port, setting)) from error
    sock.setblocking(False)
    return sock


def where(sock: socket.socket, tls: bool) -> str:
    """The base URL of a listening socket; a wildcard address is shown as localhost."""
    host, port = sock.getsockname()[:2]
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def tls_context(tls: Tls | None, environ: Mapping[str, str]) -> ssl.SSLContext | None:
    if tls is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, tls, environ)
    return context


class Certificate:
    """What TLS connections are made with; another certificate is that of those that come after it."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context

    def check(self, tls: Tls | None, environ: Mapping[str, str]) -> None:
        """Raises StartupError where it could not be renewed by these files."""
        tls_context(tls, environ)

    def renew(self, tls: Tls | None, environ: Mapping[str, str]) -> None:
        if tls is not None:
            _load(self._context, tls, environ)


def _load(context: ssl.SSLContext, tls: Tls, environ: Mapping[str, str]) -> None:
    try:
        context.load_cert_chain(tls.cert, tls.key, environ.get("GATEWAY_TLS_PASSWORD") or (lambda: ""))
    except (OSError, ssl.SSLError) as error:
        raise StartupError(f"gateway.listen.tls: {tls.cert} and {tls.key} do not load: {error}") from error


def exposed(listen: Listen) -> str | None:
    """A warning where others can read the traffic and the keys in it."""
    if listen.tls is not None or listen.host == "localhost" or is_loopback(listen.host):
        return None
    return (
        f"listening on {listen.host} without TLS: keys and prompts cross the network readable; "
        "set gateway.listen.tls, or put a TLS proxy before it and name it in gateway.listen.trusted_proxies"
    )


def _why(error: OSError, host: str, port: int, setting: str) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"{host}:{port} is in use by another program; choose another port with --port or {setting}"
    if error.errno == errno.EACCES:
        return f"{host}:{port} may not be listened on by this user; ports below 1024 need rights, or choose another"
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine; set gateway.listen.host to one of its own"
    return f"{host}:{port} cannot be listened on: {os.strerror(error.errno or 0)}"
