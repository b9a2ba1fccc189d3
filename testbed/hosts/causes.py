"""Find out from its output why a command failed: the cause and the remedy. Pure functions."""

import re
from dataclasses import dataclass

PROVISION = "run `ansible-playbook site.yml` for this inventory"
KILLED = -1  # stands for the exit code of a command that a signal ended; SSH then has none


@dataclass(frozen=True)
class Cause:
    """Why a command failed on a host, and what helps."""

    what: str  # continues the phrase 'client host: '
    remedy: str


FULL = Cause("its disk is full", "make room there; `df -h` tells where")
MISSING = Cause("a program is not there", PROVISION)
SIGNAL = Cause(
    "a signal ended it, as the kernel's does where memory runs out",
    "`journalctl -k` there tells whether memory ran out",
)
# The first pattern that is found in the output counts
TOLD = {
    r"no space left on device|disk quota exceeded|disk full": FULL,
    r"read-only file system": Cause(
        "a file system is read-only there", "`dmesg` there tells why; mount it writable"
    ),
    r"cannot allocate memory|out of memory|MemoryError": Cause(
        "memory ran out there", "`journalctl -k` there tells what took it"
    ),
    r"^sudo: ": Cause("sudo refuses what the testbed's user must do", PROVISION),
    r"^unit \S+ (could not be found|not found|not loaded)|failed to .*: unit \S+ not found": Cause(
        "a unit is not there", PROVISION
    ),
    r"name or service not known|temporary failure in name resolution|could not resolve|"
    r"could not translate host name": Cause(
        "a name does not resolve there", "`resolvectl query NAME` there tells more"
    ),
    r"connection to server .* failed|could not connect to server|the database system is ": Cause(
        "PostgreSQL does not answer", "`systemctl status 'postgresql@*'` there tells why"
    ),
    r"permission denied|operation not permitted": Cause(
        "the testbed's user lacks a permission", PROVISION
    ),
}


def of(code: int | None, output: str) -> Cause | None:
    """Return the cause of a command's failure; None if exit code and output do not show it."""
    for pattern, cause in TOLD.items():
        if re.search(pattern, output, re.IGNORECASE | re.MULTILINE):
            return cause
    if code in (KILLED, 137):
        return SIGNAL
    return MISSING if code in (126, 127) else None


def last_word(output: str) -> str:
    """Return the line of psql's output that says what is wrong, or else its last line."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if re.search(r"(FATAL|PANIC|ERROR|error): ", line)]
    return (told or lines or ["it says nothing"])[-1]
