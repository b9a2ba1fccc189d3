"""Define the ways in which an app logs in to its workload's database.

Each way has a role of its own, which PostgreSQL lets in by that way only (roles/postgresql). So the
role that a statement ran as shows how the app had logged in.
"""

from dataclasses import dataclass
from typing import Any

from testbed.model.setting import Setting

AUTH, SOCKET = "database_auth", "database_socket"
SCRAM, MD5 = "scram-sha-256", "md5"
TCP, UNIX = "tcp", "unix"
# What every app of a workload with PostgreSQL has, besides its own settings
SETTINGS: dict[str, Setting] = {
    AUTH: Setting(
        env="DATABASE_AUTH",
        default=SCRAM,
        choices=[SCRAM, MD5],
        description="How PostgreSQL checks the password of each new connection. md5, usual until"
        " PostgreSQL 13, takes less time.",
    ),
    SOCKET: Setting(
        env="DATABASE_SOCKET",
        default=TCP,
        choices=[TCP, UNIX],
        description="The way to PostgreSQL: TCP over loopback, or a Unix socket.",
    ),
}


# How every app logged in before there were these settings, and does unless it is set otherwise
USUAL = {name: setting.default for name, setting in SETTINGS.items()}


@dataclass(frozen=True)
class Login:
    """One way to log in. The name of its role is that of the testbed's database and `suffix`."""

    auth: str
    socket: str

    @property
    def suffix(self) -> str:
        """What the role's name ends in; empty for the usual way."""
        odd = {self.auth: "", MD5: "_md5"}[self.auth], {TCP: "", UNIX: "_unix"}[self.socket]
        return "".join(odd)

    def __str__(self) -> str:
        return f"{self.auth} over {self.socket}"


LOGINS = [Login(auth, socket) for auth in (SCRAM, MD5) for socket in (TCP, UNIX)]


def login(settings: dict[str, Any]) -> Login:
    """Return how an app with these settings logs in; older records do not say, and it was usual."""
    told = USUAL | settings
    return Login(str(told[AUTH]), str(told[SOCKET]))
