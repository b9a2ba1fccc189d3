"""Show at a glance where one stands: hosts, link, a running campaign, the latest results."""

from datetime import UTC, datetime, timedelta

from command import listing, reaching
from testbed import lab, store
from testbed.cli.show import minutes_text
from testbed.errors import TestbedError
from testbed.hosts import hosts, inventory, link
from testbed.hosts.inventory import Inventory
from testbed.hosts.remotes import LEASE, Remotes, at_once
from testbed.model.link import LinkRecord
from testbed.model.results import LINK_FILE
from testbed.terminal import Terminal
from testbed.texts import shown_name

LATEST = 5  # campaigns that are shown


def show(place: str | None) -> None:
    """Print the state of the hosts of an inventory. Raises TestbedError if it cannot be read."""
    known = inventory.load(place)
    say = Terminal(markup=False, highlight=False)
    for line in (*_hosts(known), *_latest()):
        say.print(line, soft_wrap=True)


def _hosts(known: Inventory) -> list[str]:
    name = known.facts.testbed_lab
    told = [f"lab: {name} is {lab.status(name).state}"] if name else []
    try:
        found = reaching.reach(known)
    except TestbedError as error:
        addresses = [f"{role}: {one.ansible_host}" for role, one in known.hosts.items()]
        return [*told, *addresses, f"hosts: {error}", f"link: {_newest_link()}"]
    try:
        for role, host in known.hosts.items():
            told.append(f"{role}: {host.ansible_host}, {found.said(role)}")
        remedies = [one.remedy for one in found.problems.values() if one and one.remedy]
        told += [f"  -> {remedy}" for remedy in dict.fromkeys(remedies)]
        if not found.all:
            return [*told, f"link: {_newest_link()}"]
        return [*told, f"link: {_link(found.remotes)}", f"now: {_now(found.remotes)}"]
    finally:
        found.close()


def _link(remotes: Remotes) -> str:
    try:
        found = at_once(remotes, hosts.describe)
        identities = {role: hosts.identity(remotes[role], one) for role, one in found.items()}
        record = link.verified(remotes, identities, store.folder() / "link")
    except TestbedError as error:
        return str(error)
    return f"verified {_ago(record.measured_at)}, {_rates(record)}"


def _newest_link() -> str:
    """Return what the newest verification was, where the hosts cannot be asked if it holds."""
    files = sorted((store.folder() / "link").glob(f"*/{LINK_FILE}"))
    if not files:
        return "never verified"
    try:
        record = store.read(files[-1], LinkRecord)
    except TestbedError as error:
        return str(error)
    fit = "fit" if record.ok else "not fit"
    return f"last verified {_ago(record.measured_at)}, {fit}, {_rates(record)}"


def _rates(record: LinkRecord) -> str:
    rates = [f"{way.mbit_per_s:.0f}" for way in record.directions]
    return f"{' and '.join(rates)} Mbit/s" if rates else "nothing was measured"


def _now(remotes: Remotes) -> str:
    """Return whether somebody has reserved the hosts."""
    states = at_once(
        remotes, lambda one: one.run(["systemctl", "is-active", LEASE], check=False).stdout.strip()
    )
    busy = [role for role, state in states.items() if state == "active"]
    return f"in use: {' and '.join(busy)}" if busy else "nothing runs"


def _latest() -> list[str]:
    place = shown_name(store.folder())
    found = listing.results()[:LATEST]
    if not found:
        return [f"results: none in {place}"]
    return [f"results in {place}:", *(f"  {' · '.join(filter(None, one.row))}" for one in found)]


def _ago(when: datetime) -> str:
    since: timedelta = datetime.now(UTC) - when
    return f"{minutes_text(max(since.total_seconds(), 0))} ago"
