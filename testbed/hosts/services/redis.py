"""Redis, which is empty at the start of every run."""

from testbed.hosts.remote import Remote
from testbed.hosts.services.service import Need, Service
from testbed.model.service import SERVICES


class Redis(Service):
    """Redis on the server host."""

    name = "redis"
    title = "Redis"
    unit = "redis-server.service"

    def put_back(self, server: Remote, need: Need) -> None:
        """Empty it. Raises CommandFailed if that fails."""
        server.run(["sudo", "-n", "systemctl", "start", f"{SERVICES[self.name].emptied_by}"])
