"""The core's own part of `gateway:`, a struct a section. Every key has a `GATEWAY_*` variable (see `overlay.py`)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

from ..secret import Secret
from .known import KnownModel
from .routes import Allow, FidelityRules, Level, OverflowWords, Retries, RouteSettings

Port = Annotated[int, Meta(ge=0, le=65535)]
Seconds = Annotated[float, Meta(gt=0)]


class Tls(Struct, frozen=True, forbid_unknown_fields=True):
    """cert, key: PEM files. The key's password, if any, is in `GATEWAY_TLS_PASSWORD`."""

    cert: str
    key: str


class Listen(Struct, frozen=True, forbid_unknown_fields=True):
    """host, port: where clients connect. internal_host, internal_port: where /metrics, /health and /ready are served
    too, for machines only; nowhere by default.

    tls: certificate and key; plain HTTP without. trusted_proxies: addresses or networks whose `X-Forwarded-For` is
    believed; nobody else's is.
    cors_origins: origins that browsers may call from; `*` for all; none by default.
    """

    host: str = "127.0.0.1"
    port: Port = 8080
    internal_host: str = "127.0.0.1"
    internal_port: Port | None = None
    tls: Tls | None = None
    trusted_proxies: tuple[str, ...] = ()
    cors_origins: tuple[str, ...] = ()


class Plugins(Struct, frozen=True, forbid_unknown_fields=True):
    """enable: only these, where given. disable: not these. order: these first, in this order; the rest by name."""

    enable: tuple[str, ...] | None = None
    disable: tuple[str, ...] = ()
    order: tuple[str, ...] = ()


class Models(Struct, frozen=True, forbid_unknown_fields=True):
    """allow: who may call raw models, besides admins."""

    allow: Allow = Allow()


class BodyLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """body: bytes of one request. bodies: bytes of all request bodies held by one worker at a time."""

    body: Annotated[int, Meta(gt=0)] = 32 * 2**20
    bodies: Annotated[int, Meta(gt=0)] = 512 * 2**20


class TimeoutSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds. connect, first_byte, idle: of upstreams. body: to receive a request. write: a client that does not read.

    drain: running exchanges after SIGTERM. keepalive: an idle client connection, and a request's headers.
    """

    connect: Seconds = 10.0
    first_byte: Seconds = 600.0
    idle: Seconds = 120.0
    body: Seconds = 30.0
    write: Seconds = 60.0
    drain: Seconds = 25.0
    keepalive: Seconds = 75.0


class ProxySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """url: the HTTP proxy that upstreams are reached through, `http://user:${PASSWORD}@proxy.example:3128`; by default
    that of `PROXY`, else of `HTTPS_PROXY` and `HTTP_PROXY`.

    direct: what is reached without it, besides this machine and what `NO_PROXY` names: `intranet.example` with all
    names below it, `10.0.0.0/8` of addresses that stand as numbers, `host.example:8080`, or `*` for everything.
    """

    url: Secret | None = None
    direct: tuple[str, ...] = ()


class Log(Struct, frozen=True, forbid_unknown_fields=True):
    """level: the least that is logged. format: `auto` is console on a terminal and JSON elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class HttpSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """root_alias: serve what is under /v1 without it, too, as `/chat/completions`, where nothing else is."""

    root_alias: bool = False


class StreamSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """resumable: which streams of events may be taken up again when a connection was lost: `asked`, those whose call
    says so by the header `X-Gateway-Resumable: true`; `always`, all but those that say `false` there, or `store: false`
    without it; `never`.
    window: seconds for which such a stream goes on with nobody there, and can be read after its end.
    """

    resumable: Literal["asked", "always", "never"] = "asked"
    window: Annotated[float, Meta(ge=15)] = 120.0


class ReloadSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """watch: seconds within which a changed configuration file is applied, once it rests; `false`: on `SIGHUP` only."""

    watch: Seconds | bool = 2.0


class MemorySettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Of agents with `memory: server`. ttl: seconds that a conversation stays after its last turn. context: bytes of
    earlier messages that a call is given, the newest of them.
    """

    ttl: Annotated[float, Meta(gt=0)] = 2_592_000.0
    context: Annotated[int, Meta(gt=0)] = 2**20


class Core(Struct, frozen=True):
    """`gateway:` itself; what plugins own beside it is theirs.

    workers: processes on one socket. catalogue: what is known of models, by model or `endpoint/model`. unenforced: what
    to do about keys on money, safety, access or tools that no plugin enforces. fidelity: `strict` refuses with 422 what
    would lose part of the call; one level for all, or levels by agent and endpoint. routes: models that stand for
    several others. retries: further tries of one target. context_overflow: how a call that is too long is known.
    reload: when a changed configuration is applied while the gateway runs. http: paths. memory: what agents remember.
    streams: taken up again.
    """

    listen: Listen = Listen()
    workers: Annotated[int, Meta(ge=1, le=256)] = 1
    plugins: Plugins = Plugins()
    models: Models = Models()
    catalogue: dict[str, KnownModel] = field(default_factory=dict)
    limits: BodyLimits = BodyLimits()
    timeouts: TimeoutSettings = TimeoutSettings()
    proxy: ProxySettings = ProxySettings()
    log: Log = field(default_factory=Log)
    unenforced: Literal["warn", "refuse"] = "warn"
    fidelity: Level | FidelityRules = "report"
    routes: tuple[RouteSettings, ...] = ()
    retries: Retries = Retries()
    context_overflow: OverflowWords = OverflowWords()
    reload: ReloadSettings = ReloadSettings()
    http: HttpSettings = HttpSettings()
    memory: MemorySettings = MemorySettings()
    streams: StreamSettings = StreamSettings()
