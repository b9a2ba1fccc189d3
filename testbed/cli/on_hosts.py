"""Do what is done with hosts besides measuring: check them, deploy an app again, make a lab."""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path

from testbed import lab, store
from testbed.asked import catalogue as catalogues
from testbed.cli import show
from testbed.cli.options import CheckOptions, DeployOptions, LinkOptions
from testbed.errors import Exit, TestbedError
from testbed.fitness import shown
from testbed.hosts import fit, hosts, inventory, playbook
from testbed.hosts import link as links
from testbed.hosts.remotes import at_once, held
from testbed.lab import names
from testbed.progress import Progress
from testbed.run import trying
from testbed.terminal import Terminal

DEPLOY_APP = "playbooks/app.yml"


def say(text: str) -> None:
    """Print a text as it is."""
    Terminal().print(text, highlight=False, markup=False, soft_wrap=True)


def verify_link(given: LinkOptions) -> None:
    """Measure the data link and show the result. Exit code 3 if it is not fit."""
    folder = store.folder() / "link" / store.moment(datetime.now(UTC))
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
        try_apps(given)
        return
    with held(inventory.load(given.inventory), cleared=False) as remotes:
        if given.fix:
            fit.fix(given.inventory, ask_password=given.ask_become_pass)
        ahead_s = at_once(remotes, hosts.clock_offset_s)
        found = fit.check(remotes, ahead_s)
    Terminal().print(shown.table(found, quiet=given.quiet), highlight=False, markup=False)
    if code := fit.exit_code(found, strict=given.strict):
        sys.exit(code)


def try_apps(given: CheckOptions) -> None:
    """Start each app once, ask each of its endpoints, and show what is wrong; then exit code 4."""
    known = catalogues.load(given.apps_path)
    apps = known.chosen(given.apps, given.workload, given.apps_path)
    progress = Progress(Terminal(), quiet=given.quiet)
    with held(inventory.load(given.inventory)) as remotes:
        found = list(trying.each(remotes, known, apps, progress))
    progress.result(show.tried_text(found, quiet=given.quiet))
    if any(one.level == "fail" for one in found):
        sys.exit(Exit.RUN_FAILED)


def deploy_app(name: str, given: DeployOptions) -> None:
    """Deploy an app again that site.yml has deployed, and no other."""
    apps = catalogues.load(given.apps_path).chosen([name], given.workload, given.apps_path)
    if len(apps) > 1:
        raise TestbedError(
            f"{name} is an app of several workloads",
            remedy=f"say --workload={'|'.join(app.workload for app in apps)}",
        )
    with held(inventory.load(given.inventory), cleared=False):
        pass  # nobody measures it now
    own = {"testbed_apps_path": str(Path(given.apps_path).resolve())} if given.apps_path else {}
    playbook.play(
        DEPLOY_APP,
        given.inventory,
        ask_password=given.ask_become_pass,
        variables={"testbed_app_unit": apps[0].unit, **own},
    )


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
