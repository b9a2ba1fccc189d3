"""Say what the server host's telemetry watches besides the host itself: the app and services."""

import itertools
import shlex
from collections.abc import Mapping

from testbed.hosts.remote import Remote
from testbed.hosts.services import Need, Service, Unit
from testbed.model.catalogue import CataloguedApp


def options(
    server: Remote, app: CataloguedApp, pid: int, need: Need, services: Mapping[Service, Unit]
) -> list[str]:
    """Return telemetry's options. `pid` is the app's main process, `services` are as they run."""
    told = [service.telemetry_options(server, need) for service in services]
    memory = shlex.join(["sudo", "-n", *server.facts.app_memory, app.unit])
    mains = {service.name: unit.main_pid for service, unit in services.items()}
    return [
        f"--pid={pid}",
        f"--memory={memory}",
        *(f"--service={name}={main}" for name, main in mains.items() if main is not None),
        *itertools.chain.from_iterable(told),
    ]
