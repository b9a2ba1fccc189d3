"""Do what is done with hosts besides measuring: verify their link, check them, make a lab."""

import os
import sys
from datetime import UTC, datetime

from testbed import lab, store
from testbed.cli import show, tasks
from testbed.cli.options import CheckOptions, LinkOptions
from testbed.errors import Exit
from testbed.fitness import shown
from testbed.hosts import fit, hosts, inventory
from testbed.hosts import link as links
from testbed.hosts.remotes import at_once, held
from testbed.lab import names
from testbed.progress import Progress
from testbed.terminal import Terminal


def say(text: str) -> None:
    """Print a text as it is."""
    Terminal().print(text, highlight=False, markup=False, soft_wrap=True)


def verify_link(given: LinkOptions) -> None:
    """Measure the data link and show the result. Exit code 3 if it is not fit."""
    folder = store.folder() / "link" / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    with held(inventory.load(given.inventory)) as remotes:
        record = links.measure(remotes, Progress(Terminal()), folder, given.duration)
    say(show.link_text(record))
    if not record.ok:
        sys.exit(Exit.NOT_READY)


def check(given: CheckOptions) -> None:
    """Show whether the hosts are fit to measure or, if apps are asked for, what is wrong in them.

    Exit code 3 if a host is not fit, 4 if an app is not right.
    """
    if given.of_apps:
        tasks.try_apps(given)
        return
    with held(inventory.load(given.inventory), cleared=False) as remotes:
        if given.fix:
            fit.fix(given.inventory, ask_password=given.ask_become_pass)
        ahead_s = at_once(remotes, hosts.clock_offset_s)
        found = fit.check(remotes, ahead_s)
    Terminal().print(shown.table(found, quiet=given.quiet), highlight=False, markup=False)
    if code := fit.exit_code(found, strict=given.strict):
        sys.exit(code)


def lab_name(given: str | None) -> str:
    """Return the name of the lab. An empty name is an error: it must not mean another lab."""
    return names.name_from(os.environ) if given is None else given


def lab_up(name: str | None) -> None:
    """Bring a lab up."""
    lab.up(lab_name(name), say)


def lab_status(name: str | None) -> None:
    """Show which parts of a lab are up."""
    say(str(lab.status(lab_name(name))))


def lab_down(name: str | None) -> None:
    """Take a lab down."""
    lab.down(lab_name(name), say)
