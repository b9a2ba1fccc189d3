"""Sum up in one line why pip could not install something. Pure functions."""

import re
from collections.abc import Callable

USERINFO = re.compile(r'(?<=://)[^\s/?#"<>]*@')  # user and password of a URL
LAST_LINES = 12  # of an output that is not known here
MOST_VERSIONS = 5
UNREACHABLE = re.compile(
    r"Retrying \(|NewConnectionError|ConnectTimeoutError|NameResolutionError|Max retries exceeded"
)
# A URL that is pinned itself: pip ends with the exception's trace
GAVE_UP = re.compile(r"(?m)^\S*requests\.exceptions\.(?:ConnectionError|ConnectTimeout|SSLError): ")
REASON = re.compile(
    r"(\[Errno -?\d+\] )?(Connection refused|Network is unreachable|No route to host|"
    r"Name or service not known|Temporary failure in name resolution|[Cc]onnect timeout|timed out|"
    r"certificate verify failed)"
)

# What a build lacks; the first of these counts that is found
LACKS = (
    re.compile(r"fatal error: \S+: No such file"),  # a header
    re.compile(r"(?i)^error: .*\bnot found\b"),  # psycopg2 wants pg_config
    re.compile(r" is not installed\b"),  # Cargo
)


def masked(output: str) -> str:
    """Return what pip printed without user and password of any URL; pip itself masks only some."""
    return USERINFO.sub("****@", output)


def summary(output: str) -> str:
    """Return one line: which package, why, and which versions there are.

    Of an output that is not known here, return the last lines.
    """
    for rule in RULES:
        told = rule(output)
        if told is not None:
            return told
    return "\n".join(output.strip().splitlines()[-LAST_LINES:])


def _conflict(output: str) -> str | None:
    if "The conflict is caused by:" not in output:
        found = re.search(r"Cannot install (.+) because these package versions have conf", output)
        return None if found is None else f"{found[1]} contradict each other"
    causes = []
    for line in output.partition("The conflict is caused by:\n")[2].splitlines():
        if not line.startswith("    "):
            break
        said = line.strip().replace("The user requested (constraint)", "a constraint says")
        causes.append(said.replace("The user requested", "the requirements say"))
    return f"versions contradict each other: {', '.join(dict.fromkeys(causes))}"


def _other_python(output: str) -> str | None:
    found = re.search(r"Package '(.+)' requires a different Python: (\S+) not in '(.+)'", output)
    if found is not None:
        return f"{found[1]}: needs Python {found[3]}; this host has {found[2]}"
    wanted = _wanted(output)
    if wanted is None:
        return None
    version = wanted[1].partition("==")[2]
    ignored = re.search(r"require a different python version: (.+)", output)
    pairs = re.findall(r"(\S+) Requires-Python ([^;]+)", ignored[1] if ignored else "")
    needs = dict(pairs).get(version)
    return None if needs is None else f"{wanted[1]}: needs Python {needs}{_those(wanted[3])}"


def _wrong_hash(output: str) -> str | None:
    title = "THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE"
    if title not in output:
        return None
    after = output.partition(title)[2]
    names = re.findall(r"(?m)^ {4}(\S.*?) from \S+", after)
    return f"{', '.join(names)}: {title}"


def _no_hash(output: str) -> str | None:
    if "Hashes are required in --require-hashes mode" not in output:
        return None
    after = output.partition("Hashes are required in --require-hashes mode")[2]
    names = [line.strip().partition(" --hash=")[0] for line in after.splitlines()[1:] if line]
    return (
        f"{', '.join(names)}: has no hash in the requirements, as others have; "
        "`uv pip compile --generate-hashes` (or pip-compile) writes all of them"
    )


def _no_git(output: str) -> str | None:
    if "Cannot find command 'git'" not in output:
        return None
    return f"{_at(output)}: git is missing on the host; name it in apt_packages of app.yml"


def _not_built(output: str) -> str | None:
    box = re.search(r"(?s)\[\d+ lines? of output\]\n(.*?)\n *\[end of output\]", output)
    failed = re.search(r"(?m)^ *\S (.+) did not run successfully", output)
    if failed is None:
        return None
    inner = [line.strip() for line in box[1].splitlines() if line.strip()] if box else []
    fatal = re.findall(r"(?m)^ *(fatal: .+)", output)
    why = (summary("\n".join(inner)) if inner else "").removeprefix("pip: pip broke off: ")
    last = _telling(inner) or why.splitlines()[-1:] or fatal[-1:] or [f"{failed[1]} failed"]
    name = _at(output[: failed.start()])  # pip goes on with other packages
    if failed[1].startswith("git "):
        return f"{name}: git cannot fetch it: {(fatal or last)[-1]}"
    return f"{name}: there is no package for this host, and it cannot be built: {last[0]}"


def _telling(lines: list[str]) -> list[str]:
    """Return the line in which a compiler or a package says what it lacks; none if none does.

    Advice, or that a command failed, often follows it.
    """
    found = (line for lack in LACKS for line in lines if lack.search(line))
    return [*found][:1]


def _unreachable(output: str) -> str | None:
    wanted = _wanted(output)
    failed = re.search(r"Could not install packages due to an OSError: (.+)", output)
    if not UNREACHABLE.search(output) or (wanted and wanted[3] != "none"):
        return None
    if wanted is None and failed is None and not GAVE_UP.search(output):
        return None
    reason = REASON.search(output)
    name = wanted[1] if wanted else _at(output)
    why = f": {reason[0]}" if reason else ""
    if wanted is None:
        return f"{name}: its URL cannot be reached{why}"
    return f"{name}: the package index cannot be reached{why} (`pip config list` names it)"


def _refused(output: str) -> str | None:
    """Return what a server answered that has no file at the URL that is pinned."""
    found = re.search(r"because of HTTP error (\d+ [^:]+)(?:: (.+?))? for url", output)
    if found is None:
        return None
    return f"{_at(output)}: its URL answers {found[1]}{f': {found[2]}' if found[2] else ''}"


def _no_ensurepip(output: str) -> str | None:
    if "ensurepip is not" not in output:
        return None
    package = re.search(r"(?m)^ *apt install (\S+)", output)
    missing = f" (Debian package {package[1]})" if package else ""
    return f"its Python lacks the module ensurepip{missing}: install it on the host"


def _no_version(output: str) -> str | None:
    wanted = _wanted(output)
    if wanted is None:
        return None
    needed = f", which {wanted[2]} needs" if wanted[2] and "-r " not in wanted[2] else ""
    if wanted[3] == "none":
        return (
            f"{wanted[1]}{needed}: the package index shows no version of it: it has none, or none "
            "for this host's Python and CPU, or it refuses this host"
        )
    return f"{wanted[1]}{needed}: there is no such version{_those(wanted[3])}"


def _no_space(output: str) -> str | None:
    found = re.search(r"Could not install packages due to an OSError: (.+)", output)
    return None if found is None else f"{_at(output)}: {found[1]}"


def _broken(output: str) -> str | None:
    """Return the last line of an exception's trace; None if pip printed no trace."""
    if "Traceback (most recent call last)" not in output:
        return None
    return f"{_at(output)}: pip broke off: {output.strip().splitlines()[-1]}"


def _wanted(output: str) -> re.Match[str] | None:
    """Find the requirement that nothing satisfies, what needs it, and which versions there are.

    Return None if pip does not name such a requirement.
    """
    return re.search(
        r"Could not find a version that satisfies the requirement (.+?)"
        r"(?: \(from ([^)]+(?:\(line \d+\))?)\))? \(from versions: (.*)\)",
        output,
    )


def _those(versions: str) -> str:
    """Return the end of a sentence on the versions that there are, the newest of many first."""
    found = [one for one in versions.split(", ") if one not in ("", "none")][::-1]
    if len(found) <= MOST_VERSIONS:
        verb = "is" if len(found) == 1 else "are"
        return f"; there {verb} {', '.join(found)}" if found else ""
    return f"; of {len(found)} the newest are {', '.join(found[:MOST_VERSIONS])}"


def _at(output: str) -> str:
    """Return the package that pip worked on when it ended."""
    begun = re.findall(r"(?m)^ *(?:Collecting|Processing|Building wheel for) ([^\s(]+)", output)
    return re.sub(r"@$", "", begun[-1].rpartition("/")[2]) if begun else "pip"


RULES: tuple[Callable[[str], str | None], ...] = (
    _conflict,
    _wrong_hash,
    _no_hash,
    _no_git,
    _not_built,
    _other_python,
    _unreachable,
    _refused,
    _no_ensurepip,
    _no_version,
    _no_space,
    _broken,
)
