"""Where lab hosts may go: what the machine's settings name, and public addresses."""

import pytest

from testbed.lab import names, way_out
from testbed.lab.way_out import Service

LAB = names.lab("lab")


def test_name_servers_are_asked_over_both_protocols():
    text = "# nameserver 1.2.3.4\nsearch corp\nnameserver 10.0.0.53\n"
    assert way_out.resolvers(text) == {
        Service("10.0.0.53", "udp", 53),
        Service("10.0.0.53", "tcp", 53),
    }


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("http://archive.example/debian", "archive.example", 80),
        ("https://user:word@index.example/simple/", "index.example", 443),
        ("http://10.1.2.3:3128", "10.1.2.3", 3128),
        ("proxy.example:8080", "proxy.example", 8080),
        ("mirror+http://mirrors.example/list.txt", "mirrors.example", 80),
        ("tor+https://archive.example/", "archive.example", 443),
        ("socks5h://10.0.0.1", "10.0.0.1", 1080),
    ],
)
def test_a_url_leads_to_a_service(url, host, port):
    assert way_out.of_urls([url]) == {Service(host, "tcp", port)}


@pytest.mark.parametrize(
    "text", ["file:///opt/index/simple", "/opt/wheels", "DIRECT", "http://h:port/", "", "cdrom:[x]"]
)
def test_what_is_no_url_leads_nowhere(text):
    assert way_out.of_urls([text]) == set()


def test_urls_are_found_wherever_they_stand():
    found = way_out.urls(
        "Types: deb\nURIs: http://a.example/ http://b.example/\nSuites: x\n",
        ['Acquire::http::Proxy "http://c.example:1"', 'Acquire::Retries "3"'],
        {"index-url": "https://d.example/simple", "proxy": "e.example:2", "timeout": "60"},
        "http_proxy=http://f.example:3\nno_proxy=g.example\nSSL_CERT_FILE=/etc/x\n",
    )
    hosts = {service.host for service in way_out.of_urls(found)}
    assert hosts == {f"{letter}.example" for letter in "abcdef"}


def test_services_are_allowed_by_address():
    services = {Service("a.example", "tcp", 80), Service("10.0.0.53", "udp", 53)}
    services |= {Service("gone.example", "tcp", 80), Service("fd00::1", "tcp", 53)}
    known = {"a.example": ["10.9.9.9", "10.9.9.8"]}
    assert way_out.addresses(services, lambda name: known.get(name, [])) == [
        Service("10.0.0.53", "udp", 53),
        Service("10.9.9.8", "tcp", 80),
        Service("10.9.9.9", "tcp", 80),
    ]


def test_the_machine_s_own_networks_are_inside_even_if_public():
    listing = [
        {"ifname": "eth0", "addr_info": [{"local": "203.0.113.7", "prefixlen": 24}]},
        {"ifname": "wg0"},
    ]
    assert way_out.networks(listing) == ["203.0.113.0/24"]
    assert "203.0.113.0/24" in way_out.table(LAB, [], way_out.networks(listing))


def test_what_is_needed_comes_before_what_is_forbidden():
    text = way_out.table(LAB, [Service("10.0.0.53", "udp", 53)], [])
    assert "ip daddr 10.0.0.53 udp dport 53 accept" in text
    chain = text[text.index("chain from_the_lab") :]
    assert chain.index("jump needed") < chain.index("@inside reject")
