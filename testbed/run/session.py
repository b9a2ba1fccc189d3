"""Hold what all runs of a campaign share."""

from dataclasses import dataclass
from pathlib import Path

from testbed.asked import request
from testbed.asked.catalogue import Catalogue
from testbed.hosts.inventory import Inventory
from testbed.hosts.remote import Remote
from testbed.hosts.remotes import Remotes
from testbed.model.catalogue import CataloguedApp
from testbed.model.experiment import Experiment
from testbed.model.link import LinkRecord
from testbed.model.mix import Mix
from testbed.progress import Progress

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class Session:
    """What all runs of a campaign share."""

    campaign: str
    folder: Path
    seed: int  # the campaign's
    experiment: Experiment
    catalogue: Catalogue
    inventory: Inventory
    remotes: Remotes
    generators: dict[str, str | None]  # those on the generating host, by name, with their versions
    generator_cpus: int
    postgresql: dict[str, str]  # settings as the campaign found them
    link: LinkRecord | None
    progress: Progress
    workers: dict[tuple[str, str], dict[str, int]]  # endpoint, variant -> app -> its workers

    @property
    def server(self) -> Remote:
        """Return the host that the apps run on."""
        return self.remotes["server"]

    @property
    def app_address(self) -> str:
        """Return the address that apps listen on.

        It is loopback in a calibration, otherwise the server's address on the data link.
        """
        return LOOPBACK if self.experiment.calibration else self.server.host.bench_address

    def url_of(self, app: CataloguedApp, endpoint: str) -> str:
        """Return the URL that a run of this app and endpoint loads.

        It has placeholders where values are drawn. That of a mix has no path, because each of its
        parts has one.
        """
        asked = self.catalogue.workload(app.workload).endpoints[endpoint]
        if isinstance(asked, Mix):
            return f"{self.app_url}/"
        return self.app_url + request.with_query(app.spec.endpoints[endpoint], asked.query)

    @property
    def app_url(self) -> str:
        """Return the URL at which each app is served, without a path."""
        return f"http://{self.app_address}:{self.inventory.facts.testbed_app_port}"
