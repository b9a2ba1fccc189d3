"""Judge whether a host is fit to measure. Each check looks at one thing and says what it found.

All checks are pure. To add one, write it in the module of its subject, list it in CHECKS, and put
its words and limits into checks.yml.
"""

from collections.abc import Callable

from testbed.fitness import cpu, memory, network, system
from testbed.fitness.facts import HostFacts
from testbed.fitness.subject import Judged, Subject
from testbed.fitness.table import checks
from testbed.model.campaign import Fitness

__all__ = ["CHECKS", "HostFacts", "Subject", "judge"]

LONGEST = 200  # the most characters of a host's own text that are shown

CHECKS: list[Callable[[Subject], Judged]] = [
    system.virtualisation,
    system.kernel,
    system.other_load,
    cpu.governor,
    cpu.frequency,
    cpu.turbo,
    cpu.smt,
    cpu.idle_states,
    cpu.numa,
    cpu.throttling,
    memory.free_memory,
    memory.huge_pages,
    memory.swap,
    memory.free_disk,
    system.clock_synchronised,
    system.clock_offset,
    system.open_files,
    system.free_ports,
    network.route,
    network.card_state,
    network.card_driver,
    network.speed,
    network.duplex,
    network.mtu,
    network.offloads,
    network.rings,
    network.interrupts,
    network.card_errors,
    network.firewall,
    system.power,
]


def judge(subject: Subject) -> list[Fitness]:
    """Return the result of every check of a host.

    In a container, a problem of the machine around it has the level 'outer': it cannot be mended
    from inside.
    """
    rows = []
    for check in CHECKS:
        name, judged = check.__name__, check(subject)
        words = checks()[name]
        level = judged.level
        if level != "ok" and words.of == "machine" and subject.facts.container:
            level = "outer"
        rows.append(
            Fitness(
                check=name,
                title=words.title,
                level=level,
                found=_plain(judged.found),
                wanted=_plain(judged.wanted or words.wanted),
                why=words.why,
                mend=words.mend,
            )
        )
    return rows


def _plain(text: str) -> str:
    """Return a host's text without control characters, and shortened if it is long."""
    shown = "".join(letter if letter.isprintable() else "?" for letter in text)
    return shown if len(shown) <= LONGEST else shown[: LONGEST - 1] + "…"
