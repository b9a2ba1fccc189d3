"""Limit where a lab's hosts may connect to over the management link. Pure functions.

Lab hosts run whatever an app brings along. So they may reach public addresses, but of the addresses
inside (other labs, the machine itself, the networks that it is in) only those services that the
settings taken over from the machine name: its resolver, proxies, package archives and indexes.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from testbed.lab.names import LabNames

# Ranges of networks inside, wherever the machine is (RFC 6890). Labs use 198.18.0.0/15.
INSIDE = (
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "224.0.0.0/3",
)
_PORTS = {"http": 80, "https": 443, "mirror": 80, "ftp": 21, "socks5": 1080, "socks5h": 1080}
_HOST_AND_PORT = re.compile(r"[\w.-]+:\d+/?")
_PIP_KEYS = ("index-url", "extra-index-url", "find-links", "proxy")

Resolve = Callable[[str], list[str]]


@dataclass(frozen=True, order=True)
class Service:
    """A port of one host, which is a name or an IPv4 address."""

    host: str
    protocol: str  # tcp or udp
    port: int


def resolvers(resolv_conf: str) -> set[Service]:
    """Return the name servers of a resolv.conf as services."""
    servers = re.findall(r"^\s*nameserver\s+(\S+)", resolv_conf, flags=re.MULTILINE)
    return {Service(server, protocol, 53) for server in servers for protocol in ("udp", "tcp")}


def of_urls(texts: Iterable[str]) -> set[Service]:
    """Return the services that URLs lead to. A text that is not a URL of a known scheme is ignored.

    A proxy may be written without its scheme, as host:port.
    """
    found = set()
    for text in texts:
        url = f"http://{text}" if _HOST_AND_PORT.fullmatch(text) else text
        try:
            parts = urlsplit(re.sub(r"^\w+\+", "", url))  # mirror+http:, tor+http:
            port = parts.port or _PORTS.get(parts.scheme)
        except ValueError:  # for example, its port is not a number
            continue
        if parts.hostname and port:
            found.add(Service(parts.hostname, "tcp", port))
    return found


def urls(
    apt_sources: str, apt_settings: Iterable[str], pip: Mapping[str, str], environment: str
) -> list[str]:
    """Return every URL in the settings that a lab host takes over, as it is written there."""
    found = re.findall(r"^URIs: (.*)$", apt_sources, flags=re.MULTILINE)
    found += [value for line in apt_settings for value in re.findall(r'Proxy\S* "([^"]*)"', line)]
    found += [pip[key] for key in _PIP_KEYS if key in pip]
    found += re.findall(r"^(?!no_proxy)\w+_proxy=(.*)$", environment, flags=re.M | re.I)
    return [word for text in found for word in text.split()]


def addresses(services: Iterable[Service], resolve: Resolve) -> list[Service]:
    """Return the same services by IPv4 address, without those whose names cannot be resolved."""
    return sorted(
        {
            Service(address, service.protocol, service.port)
            for service in services
            for address in _addresses(service.host, resolve)
        }
    )


def _addresses(host: str, resolve: Resolve) -> list[str]:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return resolve(host)
    return [host] if address.version == 4 else []  # a lab does not reach the outside by IPv6


def networks(listing: list[dict[str, Any]]) -> list[str]:
    """Return the IPv4 networks that the machine is in; `listing` is that of `ip -j -4 address`."""
    own = {
        str(ipaddress.ip_interface(f"{address['local']}/{address['prefixlen']}").network)
        for interface in listing
        for address in interface.get("addr_info", [])
    }
    return sorted(own)


def table(lab: LabNames, services: Iterable[Service], own_networks: Iterable[str]) -> str:
    """Return the lab's nftables table: NAT, and what may pass to and from its hosts.

    The machine itself reaches the hosts by SSH; its own packets pass neither chain. It reaches them
    over IPv6 by link-local addresses, which both sides look up by neighbour discovery.
    """
    needed = "".join(
        f"    ip daddr {one.host} {one.protocol} dport {one.port} accept\n" for one in services
    )
    inside = ", ".join([*INSIDE, *own_networks])
    return f"""table inet {lab.nft_table} {{
  set inside {{
    type ipv4_addr; flags interval; auto-merge
    elements = {{ {inside} }}
  }}
  chain way_out {{
    type nat hook postrouting priority srcnat;
    ip saddr {lab.management_network} oifname != "{lab.bridge}" masquerade
  }}
  chain needed {{
    ct state established,related accept
    ip saddr != {lab.management_network} drop
{needed}  }}
  chain to_the_machine {{
    type filter hook input priority filter - 1;
    iifname != "{lab.bridge}" accept
    icmpv6 type {{ nd-neighbor-solicit, nd-neighbor-advert }} accept
    jump needed
    reject with icmpx admin-prohibited
  }}
  chain through_the_machine {{
    type filter hook forward priority filter - 1;
    iifname "{lab.bridge}" oifname "{lab.bridge}" accept
    iifname "{lab.bridge}" jump from_the_lab
    oifname "{lab.bridge}" ct state established,related accept
    oifname "{lab.bridge}" reject with icmpx admin-prohibited
  }}
  chain from_the_lab {{
    jump needed
    ip daddr @inside reject with icmpx admin-prohibited
    meta nfproto ipv4 accept
    drop
  }}
}}
"""
