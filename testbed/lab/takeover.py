"""Collect what a lab host takes over from the machine: resolver, pip, environment.

All functions are pure.
"""

import configparser
import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

# Environment settings on which access to package indexes may depend.
_PATHS = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy")
# Settings of pip that say where packages are and how they are reached. Others are not taken over:
# they name files of this machine or limit releases (`constraint`); the hosts' packages are pinned.
_PIP_TAKEN = {
    "index-url",
    "extra-index-url",
    "find-links",
    "no-index",
    "trusted-host",
    "proxy",
    "cert",
    "client-cert",
    "timeout",
    "default-timeout",
    "retries",
}


def resolver(texts: Iterable[str]) -> str | None:
    """Return the first of the resolv.conf texts whose name servers another host could reach.

    Return None if there is none. A stub resolver on a loopback address (systemd-resolved's) answers
    only on its own machine.
    """
    for text in texts:
        servers = re.findall(r"^\s*nameserver\s+(\S+)", text, flags=re.MULTILINE)
        if servers and not any(_is_loopback(server) for server in servers):
            return text
    return None


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


def pip_settings(texts: Iterable[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return pip's settings on access to packages: those of files, then PIP_* of the environment.

    As in pip, later ones override earlier ones. Sections for single pip commands are left out,
    except [install].
    """
    settings: dict[str, str] = {}
    for text in texts:
        parser = configparser.RawConfigParser()
        parser.read_string(text)
        for section in ("global", "install"):
            if parser.has_section(section):
                settings.update({k.replace("_", "-"): v for k, v in parser.items(section)})
    for name, value in environment.items():
        if name.startswith("PIP_") and value:
            settings[name.removeprefix("PIP_").lower().replace("_", "-")] = value
    return {key: value for key, value in settings.items() if key in _PIP_TAKEN}


def pip_conf(settings: Mapping[str, str]) -> str:
    """Return the settings as the text of /etc/pip.conf."""
    lines = ["[global]"]
    for key, value in sorted(settings.items()):
        lines.append(f"{key} = " + "\n    ".join(value.split("\n")))
    return "\n".join(lines) + "\n"


def local_folders(settings: Mapping[str, str]) -> list[str]:
    """Return the folders of this machine that pip's settings name: local wheels and indexes.

    The pages of an index refer to files beside its folder `simple`, so the parent of that folder is
    returned.
    """
    found = set()
    for key in ("find-links", "index-url", "extra-index-url"):
        for word in settings.get(key, "").split():
            path = PurePosixPath(word.removeprefix("file://"))
            folder = path.parent if path.name == "simple" else path
            if path.is_absolute() and len(folder.parts) > 1:
                found.add(str(folder))
    return sorted(found)


def environment_file(environment: Mapping[str, str], exists: Callable[[str], bool]) -> str:
    """Return the text of /etc/environment: certificate paths that `exists` accepts, and proxies."""
    lines = [
        f"{name}={environment[name]}"
        for name in _PATHS
        if environment.get(name) and exists(environment[name])
    ]
    for proxy in _PROXIES:
        value = environment.get(proxy) or environment.get(proxy.upper())
        if value:
            lines += [f"{proxy}={value}", f"{proxy.upper()}={value}"]
    return "".join(f"{line}\n" for line in lines)


def unreachable_proxies(environment: Mapping[str, str]) -> list[str]:
    """Return proxy settings that name the machine's loopback, which lab hosts cannot reach."""
    return [
        name
        for proxy in _PROXIES[:-1]
        for name in (proxy, proxy.upper())
        if re.search(
            r"//([^@/]*@)?(localhost|127\.\d+\.\d+\.\d+|\[::1\])", environment.get(name, "")
        )
    ]


def hosts_file(own_name: str, others: Mapping[str, str]) -> str:
    """Return the text of /etc/hosts: the host itself and its peers by name."""
    lines = ["127.0.0.1 localhost", f"127.0.1.1 {own_name}", "::1 localhost ip6-localhost"]
    lines += [f"{address} {name}" for name, address in others.items()]
    return "\n".join(lines) + "\n"
