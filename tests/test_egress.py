"""egress: users' endpoints may be at public addresses only, however the address is written."""

import pytest

from gateway import Egress, Settings, UpstreamUnreachable
from gateway.egress import useless_exemptions
from gateway.settings.addresses import UserAddresses

PUBLIC = ["1.1.1.1", "8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2001:4860:4860::8888"]
PRIVATE = {
    "private 10": "10.0.0.1",
    "private 172": "172.16.5.4",
    "private 192": "192.168.1.1",
    "loopback": "127.0.0.1",
    "all of loopback": "127.8.9.10",
    "this host": "0.0.0.0",
    "this network": "0.1.2.3",
    "cloud metadata": "169.254.169.254",
    "container metadata": "169.254.170.2",
    "shared address space": "100.64.0.1",
    "cloud metadata in shared space": "100.100.100.200",
    "benchmarking": "198.18.0.1",
    "documentation": "192.0.2.1",
    "protocol assignments": "192.0.0.8",
    "multicast": "224.0.0.1",
    "public multicast": "233.252.0.5",
    "reserved": "240.0.0.1",
    "broadcast": "255.255.255.255",
    "loopback 6": "::1",
    "unspecified 6": "::",
    "link-local 6": "fe80::1",
    "link-local 6 with its zone": "fe80::1%eth0",
    "unique local": "fd00::1",
    "cloud metadata 6": "fd00:ec2::254",
    "site-local": "fec0::1",
    "multicast 6": "ff02::1",
    "global multicast 6": "ff0e::1",
    "documentation 6": "2001:db8::1",
    "mapped loopback": "::ffff:127.0.0.1",
    "mapped metadata": "::ffff:169.254.169.254",
    "mapped private as hex": "::ffff:a00:1",
    "compatible loopback": "::127.0.0.1",
    "6to4 loopback": "2002:7f00:1::1",
    "6to4 private": "2002:c0a8:101::1",
    "teredo to loopback": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "NAT64 loopback": "64:ff9b::7f00:1",
    "NAT64 private": "64:ff9b::a00:1",
    "NAT64 metadata": "64:ff9b::a9fe:a9fe",
    "local NAT64": "64:ff9b:1::a00:1",
    "translated loopback": "::ffff:0:7f00:1",
}


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_open_to_users(address):
    Egress().check(address, 443, "user")


@pytest.mark.parametrize("address", PRIVATE.values(), ids=PRIVATE.keys())
def test_any_other_address_is_closed_to_users_and_open_to_the_operator(address):
    with pytest.raises(UpstreamUnreachable) as refused:
        Egress().check(address, 443, "user")
    assert refused.value.code == "address_not_allowed"
    assert address not in refused.value.public, "it would tell where the name leads"
    Egress().check(address, 443, "operator")


def test_a_public_address_embedded_in_an_ipv6_one_stays_public():
    Egress().check("::ffff:8.8.8.8", 443, "user")
    Egress().check("64:ff9b::808:808", 443, "user")


@pytest.mark.parametrize(
    ("entry", "name"),
    [
        ("ollama.internal:8080", "ollama.internal"),
        ("Localhost:8080", "localhost"),
        ("bücher.lan:8080", "xn--bcher-kva.lan"),
    ],
)
def test_a_name_is_trusted_wherever_it_leads_on_its_port_alone(entry, name):
    egress = Egress([entry])
    egress.check("127.0.0.1", 8080, "user", name)
    egress.check("fd00::1", 8080, "user", name)
    for address, port, other in (("127.0.0.1", 8081, name), ("127.0.0.1", 8080, "elsewhere"), ("127.0.0.1", 8080, "")):
        with pytest.raises(UpstreamUnreachable):
            egress.check(address, port, "user", other)


USELESS = [
    "localhost",
    "10.0.0.5",
    "::1",
    "[::1]",
    "10.0.0.0/8:80",
    "http://10.0.0.5:80",
    "10.0.0.5:0",
    "10.0.0.5:65536",
    "10.0.0.5: 80",
    " 10.0.0.5:80",
    "8.8.8.8:80",
    "[2606:4700:4700::1111]:80",
    "[10]:80",
    "me@10.0.0.5:80",
    "..:80",
    ":80",
    "",
]


@pytest.mark.parametrize("entry", USELESS)
def test_other_entries_exempt_nothing_and_that_is_told(entry):
    settings = Settings({UserAddresses: UserAddresses(("10.0.0.5:8080", entry))}, {}, frozenset())
    [finding] = useless_exemptions(settings)
    assert (finding.path, finding.level) == ("endpoints.allowedAddresses[1]", "warning")
    with pytest.raises(UpstreamUnreachable):
        Egress.of(settings).check("10.0.0.5", 80, "user", "10.0.0.5")


@pytest.mark.parametrize(
    ("entry", "address"),
    [("10.0.0.5:8080", "10.0.0.5"), ("[fd00::5]:8080", "fd00::5"), ("10.0.0.5:8080", "::ffff:10.0.0.5")],
)
def test_an_exemption_opens_one_address_and_port(entry, address):
    egress = Egress([entry])
    egress.check(address, 8080, "user")
    for other in ((address, 8081), ("10.0.0.6", 8080), ("fd00::6", 8080)):
        with pytest.raises(UpstreamUnreachable):
            egress.check(*other, "user")
