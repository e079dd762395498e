"""proxies: which variable counts, what goes without a proxy, what is told, and what never is."""

from __future__ import annotations

import base64

import pytest

from gateway import Secret, Settings, SettingsError
from gateway.proxies import Proxies, direct_of, proxy_findings, proxy_of
from gateway.settings import Core
from gateway.settings.core import ProxySettings

SECRET = "canary-p4ss"


def settings(environ: dict[str, str] | None = None, url: str | None = None, *direct: str) -> Settings:
    core = Core(proxy=ProxySettings(Secret(url) if url is not None else None, direct))
    return Settings({Core: core}, environ or {}, frozenset())


def ways(environ: dict[str, str], url: str | None = None, *direct: str) -> list[str]:
    """To an upstream without and with TLS."""
    proxies = Proxies.of(settings(environ, url, *direct))
    return [str(proxies.way(tls, "api.example", 443)) for tls in (False, True)]


A, B, C, D = (f"http://{letter}.example:3128" for letter in "abcd")


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({}, None, ["None", "None"]),
        ({"PROXY": A}, None, [A, A]),
        ({"PROXY": f" {A} "}, None, [A, A]),
        ({"proxy": A}, None, [A, A]),
        ({"PROXY": " "}, None, ["None", "None"]),
        ({"HTTP_PROXY": A}, None, [A, A]),
        ({"HTTPS_PROXY": A}, None, ["None", A]),
        ({"HTTPS_PROXY": A, "HTTP_PROXY": B}, None, [B, A]),
        ({"http_proxy": A, "HTTP_PROXY": B, "https_proxy": C, "HTTPS_PROXY": D}, None, [A, C]),
        ({"PROXY": A, "HTTP_PROXY": B, "HTTPS_PROXY": C}, None, [A, A]),
        ({"PROXY": A}, B, [B, B]),
        ({"PROXY": A}, "", [A, A]),
        ({"HOST": "b.example"}, "http://${HOST}:3128", [B, B]),
        ({"PROXY": A, "NO_PROXY": "api.example"}, None, ["None", "None"]),
        ({"PROXY": A, "no_proxy": "api.example", "NO_PROXY": "x"}, None, ["None", "None"]),
        ({"NO_PROXY": "api.example"}, A, ["None", "None"]),
        ({"ALL_PROXY": A}, None, ["None", "None"]),
    ],
)
def test_which_variable_counts_is_librechats_order_below_the_gateways_own(
    environ: dict[str, str], url: str | None, expected: list[str]
) -> None:
    assert ways(environ, url) == expected


def test_what_the_file_names_as_direct_comes_beside_no_proxy() -> None:
    proxies = Proxies.of(settings({"PROXY": A, "NO_PROXY": "x.example"}, None, "y.example"))
    assert [str(proxies.way(True, host, 443)) for host in ("x.example", "y.example", "z.example")] == [
        "None",
        "None",
        A,
    ]


COVERED = [
    ("api.example", "api.example", 443),
    ("API.example", "api.EXAMPLE", 443),
    ("api.example", "deep.api.example", 443),
    ("api.example", "api.example.", 443),
    ("api.example.", "api.example", 443),
    (".api.example", "api.example", 443),
    (".api.example", "deep.api.example", 443),
    ("*.api.example", "deep.api.example", 443),
    ("api.example:443", "api.example", 443),
    ("*", "anything", 1),
    ("*:80", "anything", 80),
    ("10.0.0.5", "10.0.0.5", 80),
    ("10.0.0.0/8", "10.1.2.3", 80),
    ("10.1.2.3/8", "10.9.9.9", 80),
    ("10.0.0.5:80", "10.0.0.5", 80),
    ("fd00::5", "fd00::5", 80),
    ("[fd00::5]", "fd00:0::5", 80),
    ("[fd00::5]:80", "fd00::5", 80),
    ("fd00::/8", "fd12::1", 80),
    ("bücher.example", "xn--bcher-kva.example", 443),
]
NOT_COVERED = [
    ("api.example", "notapi.example", 443),
    ("api.example", "example", 443),
    ("api.example:80", "api.example", 443),
    ("*:80", "anything", 443),
    ("10.0.0.0/8", "11.0.0.1", 80),
    ("10.0.0.0/8", "ten.example", 80),
    ("10.0.0.5:80", "10.0.0.5", 81),
    ("10.0.0.0/8", "fd00::5", 80),
    ("[fd00::5]:80", "fd00::5", 81),
]


@pytest.mark.parametrize(("entry", "host", "port"), COVERED)
def test_an_entry_of_no_proxy_covers_what_it_names(entry: str, host: str, port: int) -> None:
    assert Proxies.of(settings({"PROXY": A}, None, entry)).way(True, host, port) is None


@pytest.mark.parametrize(("entry", "host", "port"), NOT_COVERED)
def test_and_nothing_else(entry: str, host: str, port: int) -> None:
    assert str(Proxies.of(settings({"PROXY": A}, None, entry)).way(True, host, port)) == A


def test_entries_are_parted_by_commas_and_spaces() -> None:
    proxies = Proxies.of(settings({"PROXY": A, "NO_PROXY": "a.example, b.example c.example,,"}))
    assert [proxies.way(True, f"{one}.example", 443) for one in "abc"] == [None] * 3


NAMES = ["localhost", "LOCALHOST", "x.localhost", "localhost."]
NUMBERS = ["127.0.0.1", "127.8.9.1", "::1", "169.254.169.254", "fe80::1", "fe80::1%eth0"]


@pytest.mark.parametrize("host", NAMES + NUMBERS)
def test_this_machine_and_its_link_are_reached_directly(host: str) -> None:
    assert Proxies.of(settings({"PROXY": A})).way(False, host, 80) is None


@pytest.mark.parametrize("host", ["localhost.example", "10.0.0.1", "128.0.0.1", "::2", "mylocalhost"])
def test_its_network_is_not(host: str) -> None:
    assert str(Proxies.of(settings({"PROXY": A})).way(False, host, 80)) == A


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://proxy.example:3128", "http://proxy.example:3128"),
        ("http://proxy.example:3128/", "http://proxy.example:3128"),
        ("http://proxy.example", "http://proxy.example:80"),
        ("https://proxy.example", "https://proxy.example:443"),
        ("HTTP://Proxy.Example:1", "http://proxy.example:1"),
        ("proxy.example:3128", "http://proxy.example:3128"),
        ("me:pw@proxy.example:3128", "http://proxy.example:3128"),
        ("http://[::1]:3128", "http://[::1]:3128"),
        ("http://bücher.example:1", "http://xn--bcher-kva.example:1"),
    ],
)
def test_a_url_of_a_proxy_is_read(url: str, expected: str) -> None:
    assert str(proxy_of(url, "PROXY")) == expected


@pytest.mark.parametrize(
    ("user", "sent"),
    [("me:pw", "me:pw"), ("me", "me:"), ("m%40e:p%3Aw%2F", "m@e:p:w/"), (":pw", ":pw"), ("%C3%BC:p", "ü:p")],
)
def test_credentials_are_those_of_the_url_decoded(user: str, sent: str) -> None:
    authorization = proxy_of(f"http://{user}@proxy.example", "PROXY").authorization
    assert authorization is not None
    assert authorization.reveal() == f"Basic {base64.b64encode(sent.encode()).decode()}"


BAD = [
    "socks5://me:{}@proxy.example:1080",
    "ftp://{}@proxy.example",
    "http://me:{}@",
    "http://me:{}@:3128",
    "http://me:{}@proxy.example:none",
    "http://me:{}@proxy.example:99999",
    "http://me:{}@[::1",
    "http://me:{}@proxy.example/v1",
    "http://me:{}@proxy.example?x",
    "http://me:{}@℀.example",
    "http://me:{}@a..example",
]


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_proxy_stops_the_start_and_is_not_quoted(url: str) -> None:
    given = settings({"PROXY": url.format(SECRET)})
    with pytest.raises(SettingsError) as stopped:
        Proxies.of(given)
    [finding] = proxy_findings(given)
    assert (finding.path, finding.level) == ("PROXY", "error")
    assert "http://user:password@proxy.example:3128" in str(finding)
    assert str(stopped.value) == str(finding)
    assert SECRET not in str(finding) + repr(stopped.value.__cause__)


def test_all_that_is_wrong_is_told_at_once() -> None:
    given = settings({"HTTP_PROXY": "ftp://x", "HTTPS_PROXY": "socks5://y"})
    assert [finding.path for finding in proxy_findings(given)] == ["HTTP_PROXY", "HTTPS_PROXY"]


def test_a_variable_that_is_not_set_is_named() -> None:
    [finding] = proxy_findings(settings({}, "http://me:${PROXY_PASSWORD}@proxy.example"))
    assert (finding.path, finding.level) == ("gateway.proxy.url", "error")
    assert "PROXY_PASSWORD is not set" in finding.what


def test_the_proxies_are_told_and_their_credentials_are_not() -> None:
    with_password = A.replace("//", f"//me:{SECRET}@")
    [both] = proxy_findings(settings({"PROXY": with_password}))
    assert str(both) == f"PROXY: http and https upstreams are reached through the proxy {A}"
    assert both.level == "note"
    told = proxy_findings(settings({"HTTP_PROXY": with_password, "HTTPS_PROXY": B}))
    assert [(one.path, one.what.split()[0]) for one in told] == [("HTTP_PROXY", "http"), ("HTTPS_PROXY", "https")]
    proxies = Proxies.of(settings({"PROXY": with_password}))
    assert SECRET not in repr(proxies) + str(proxies) + f"{proxies.http}" + repr(settings({}, with_password).one(Core))


@pytest.mark.parametrize(
    "entry", ["http://x.example", "10.0.0.0/99", "a b", "10.*", "x.example/y", "me@x.example", "*."]
)
def test_an_entry_that_names_nothing_is_told(entry: str) -> None:
    assert direct_of(entry) is None
    warning, _ = proxy_findings(settings({"PROXY": A}, None, "x.example", entry))
    assert (warning.path, warning.level) == ("gateway.proxy.direct[1]", "warning")
    assert proxy_findings(settings({}, None, entry)) == [], "without a proxy all goes directly"
