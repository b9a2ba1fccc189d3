"""Define the hosts and the declared facts about them, with the allowed values. Pure functions."""

import ipaddress
import math
import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict

from testbed.host_roles import HostRole
from testbed.numbers import written_out

# Each check returns the value as it is used, or raises ValueError with the end of a sentence whose
# beginning is the key: 'is 0; it has to be …'.
Check = Callable[[Any], Any]


def _shown(value: Any) -> str:
    """Return a value as a sentence shows it: on one line, and not too long."""
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


# A number that is written as a text reaches hosts as it stands, where 8_080 is none
_DIGITS = re.compile(r"[0-9]+(\.[0-9]+)?")


def _number(low: float, high: float, reason: str, *, whole: bool) -> Check:
    kind = "a whole number" if whole else "a number"

    def check(value: Any) -> Any:
        try:
            no_digits = isinstance(value, str) and not _DIGITS.fullmatch(value)
            number = math.nan if isinstance(value, bool) or no_digits else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if not low <= number <= high or (whole and number != int(number)):
            raise ValueError(
                f"is {_shown(value)}; it has to be {kind} from {written_out(low)} to "
                f"{written_out(high)} ({reason})"
            )
        return int(number) if whole else number

    return check


def _text(pattern: str, what: str) -> Check:
    expression = re.compile(pattern)

    def check(value: Any) -> Any:
        if not isinstance(value, str) or not expression.fullmatch(value):
            raise ValueError(f"is {_shown(value)}; it has to be {what}")
        return value

    return check


def _folder(value: Any) -> Any:
    """Accept only a folder that is the testbed's own, because teardown removes all its content.

    Nobody else's begins with 'testbed'; /usr/local, for one, is not the testbed's.
    """
    parts = value.split("/") if isinstance(value, str) else []
    plain = all(re.fullmatch(r"[A-Za-z0-9._-]+", part) for part in parts[1:])
    own = len(parts) >= 3 and parts[-1].startswith("testbed")
    if not own or parts[0] or not plain or {".", ".."} & set(parts):
        raise ValueError(
            f"is {_shown(value)}; it has to be the absolute path of a folder of the testbed's own, "
            "as teardown removes it, whose name begins with testbed, such as /opt/testbed, of "
            "letters, digits, '.', '_' and '-'"
        )
    return value


def _address(value: Any) -> Any:
    try:
        address = ipaddress.IPv4Address(value if isinstance(value, str) else "")
    except ValueError as error:
        raise ValueError(
            f"is {_shown(value)}; it has to be one IPv4 address, such as 198.18.0.1"
        ) from error
    unusable = address.is_loopback or address.is_unspecified or address.is_multicast
    if unusable or address == ipaddress.IPv4Address("255.255.255.255"):
        raise ValueError(f"is {address}, which no interface of a data link can have")
    return str(address)


_INTERFACE = re.compile(r"(?!lo$)[A-Za-z0-9][A-Za-z0-9_.-]{0,14}")
# What `ip` adds to a name and never takes: the other end of a link, or the label of an address
_BEYOND_NAME = re.compile(r"([^@:]+)([@:]).*")


def _interface(value: Any) -> Any:
    text = value if isinstance(value, str) else ""
    if _INTERFACE.fullmatch(text):
        return text
    more = _BEYOND_NAME.fullmatch(text)
    if more and _INTERFACE.fullmatch(more[1]):
        raise ValueError(
            f"is {_shown(value)}; it has to be '{more[1]}': what `ip` shows from '{more[2]}' on is "
            "not of the interface's name"
        )
    raise ValueError(
        f"is {_shown(value)}; it has to be the name of a network interface, such as enp3s0"
    )


def _workloads(value: Any) -> Any:
    if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
        raise ValueError(
            f"is {_shown(value)}; it has to be a list of names of workloads, such as [agents, todo]"
        )
    return value


_PORT = "a TCP port"
_UNPRIVILEGED = "a TCP port that takes no right of root's, which apps do not have"

Folder = Annotated[str, BeforeValidator(_folder)]
Address = Annotated[str, BeforeValidator(_address)]


class Deployed(BaseModel):
    """What Ansible deploys to the server. Only its entry counts, so that the client needs none."""

    testbed_workloads: Annotated[list[str], BeforeValidator(_workloads)] = []
    testbed_apps_path: Annotated[
        str, BeforeValidator(_text(r"[^\0\n]*", "the path of a folder, or ''"))
    ] = ""


class Facts(BaseModel):
    """The facts of group_vars/all.yml that the control side uses. That file says what they mean."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    testbed_prefix: Folder
    testbed_etc: Folder
    testbed_run: Folder
    testbed_settings: Folder
    testbed_user: Annotated[
        str,
        BeforeValidator(
            _text(
                r"(?!root$)[a-z_][a-z0-9_-]{0,30}",
                "the name of a user other than root, of a-z, 0-9, '_' and '-'",
            )
        ),
    ]
    testbed_app_port: Annotated[
        int, BeforeValidator(_number(1024, 65535, _UNPRIVILEGED, whole=True))
    ]
    testbed_upstream_port: Annotated[
        int, BeforeValidator(_number(1024, 65535, _UNPRIVILEGED, whole=True))
    ] = 8081
    testbed_database: Annotated[
        str,
        BeforeValidator(
            # Teardown drops all databases of the role of this name
            _text(
                r"testbed[a-z0-9_]{0,24}",
                "a name that begins with testbed, as teardown drops all databases of this role, of "
                "a-z, 0-9 and '_', of 31 characters at most",
            )
        ),
    ]
    testbed_database_port: Annotated[int, BeforeValidator(_number(1, 65535, _PORT, whole=True))] = (
        5432
    )
    testbed_limit_nofile: Annotated[
        int,
        BeforeValidator(
            _number(
                1024, 2**30, "fewer do not suffice for a load; the kernel takes no more", whole=True
            )
        ),
    ]
    testbed_link_floor_mbit_per_s: (
        Annotated[
            float, BeforeValidator(_number(1, 1_000_000, "megabits each second", whole=False))
        ]
        | None
    ) = None  # None: from the cards' speed
    testbed_link_max_age_h: Annotated[
        float, BeforeValidator(_number(0.01, 8760, "hours; a year at most", whole=False))
    ]
    testbed_place: Annotated[
        Literal["lab", "metal"], BeforeValidator(_text("lab|metal", "'lab' or 'metal'"))
    ]
    testbed_lab: str | None = None  # name of the lab, if it is one

    @property
    def start_app(self) -> list[str]:
        """Return the command that starts an app's unit; the unit is to be its last argument.

        roles/bench_user allows exactly this command.
        """
        return [f"{self.testbed_prefix}/sbin/start-app", f"{self.testbed_etc}/settings.json"]

    @property
    def app_memory(self) -> list[str]:
        """Return the command that reads the memory of an app; the unit is to be its last argument.

        roles/bench_user allows exactly this command.
        """
        return [f"{self.testbed_prefix}/sbin/app-memory"]

    def database_of(self, workload: str) -> str:
        """Return the name that the postgresql role gives to the workload's own database."""
        return f"{self.testbed_database}_{workload}"


class Host(BaseModel):
    """One host: how to log in, and its place on the data link."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    role: HostRole
    name: str  # in the inventory
    ansible_host: str  # as Ansible gives it to ssh; the inventory's name where nothing else is set
    ssh_arguments: list[str] = []  # that Ansible puts before it, but for the login's name
    bench_address: Address
    bench_interface: Annotated[str, BeforeValidator(_interface)]
