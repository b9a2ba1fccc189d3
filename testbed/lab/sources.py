"""Read the machine's own apt sources and settings, which the lab's hosts take over.

All functions are pure.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import PurePosixPath

Read = Callable[[str], str]

# Settings on which access to the archive may depend.
_SETTING = re.compile(
    r"(Acquire::(https?|ftp)::(.*::)?(Proxy|Verify-Peer|Verify-Host|CaInfo|Timeout)"
    r"|Acquire::(Check-Valid-Until|Check-Date|Retries|ForceIPv4|ForceIPv6|Max-ValidTime"
    r"|Max-FutureTime)) "
)

# Options of the one-line format that have another name in deb822.
_OPTIONS = {"arch": "Architectures", "lang": "Languages", "target": "Targets"}


def stanzas(name: str, text: str) -> list[dict[str, str]]:
    """Return the entries of a sources file as mappings of deb822 fields, without disabled ones.

    The file's `name` decides on the format: one line per source (.list) or deb822 (.sources).
    """
    found = _deb822(text) if name.endswith(".sources") else _one_line(text)
    return [entry for entry in found if entry.get("Enabled", "yes").lower() != "no"]


def _deb822(text: str) -> list[dict[str, str]]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    entries = []
    for block in re.split(r"\n\s*\n", "\n".join(lines)):
        entry: dict[str, str] = {}
        key = ""
        for line in block.splitlines():
            if line[:1].isspace():
                entry[key] += "\n" + line
            elif ":" in line:
                key, _, value = line.partition(":")
                key = key.strip().title().replace("Uris", "URIs")
                entry[key] = value.strip()
        if entry:
            entries.append(entry)
    return entries


def _one_line(text: str) -> list[dict[str, str]]:
    entries = []
    for line in text.splitlines():
        match = re.match(
            r"(deb|deb-src)\s+(?:\[([^]]*)\]\s+)?(\S+)\s+(\S+)\s*([^#]*)", line.strip()
        )
        if match:
            kind, options, uri, suite, components = match.groups()
            entry = {"Types": kind, "URIs": uri, "Suites": suite, "Components": components.strip()}
            for option in (options or "").split():
                key, _, value = option.partition("=")
                entry[_OPTIONS.get(key, key.title())] = value.replace(",", " ")
            entries.append(entry)
    return entries


def of_distribution(
    entries: Iterable[Mapping[str, str]], distribution: str, codename: str
) -> list[dict[str, str]]:
    """Return the entries that belong to the distribution.

    Other archives may not be reachable, and no host needs them. An entry belongs to the
    distribution if it has one of the release's suites, has the component main, and names no key or
    the distribution's keyring.
    """
    suites = {codename, f"{codename}-updates", f"{codename}-security"}
    chosen = []
    for entry in entries:
        asked = [suite for suite in entry.get("Suites", "").split() if suite in suites]
        key = entry.get("Signed-By", "").strip()
        own_key = not key or PurePosixPath(key.split()[0]).name.startswith(
            f"{distribution}-archive-"
        )
        is_binary = "deb" in entry.get("Types", "").split()
        if asked and own_key and is_binary and "main" in entry.get("Components", "").split():
            chosen.append({**entry, "Types": "deb", "Suites": " ".join(asked)})
    return chosen


def expand_mirrors(entries: Iterable[Mapping[str, str]], read: Read) -> list[dict[str, str]]:
    """Replace URIs that point to a list of mirrors on this machine by the list's first mirror."""
    expanded = []
    for entry in entries:
        uris = []
        for uri in entry["URIs"].split():
            if uri.startswith("mirror+file:"):
                lines = read(uri.removeprefix("mirror+file:")).splitlines()
                uris += [line.split()[0] for line in lines if line.strip() and line[0] != "#"][:1]
            else:
                uris.append(uri)
        expanded.append({**entry, "URIs": " ".join(uris)})
    return expanded


def as_text(entries: Iterable[Mapping[str, str]]) -> str:
    """Return the entries as the text of a deb822 file."""
    blocks = ("".join(f"{key}: {value}\n" for key, value in entry.items()) for entry in entries)
    return "\n".join(blocks)


def apt_settings(dump: str) -> list[str]:
    """Return the lines of `apt-config dump` on which access to the archive may depend."""
    return [line.rstrip(";") for line in dump.splitlines() if _SETTING.match(line)]
