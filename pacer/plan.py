"""Describe what the control process asks of one load process, and send it over the pipe."""

import base64
import json
from dataclasses import asdict, dataclass
from typing import Any

from pacer.mix import Draw, Recipe
from pacer.options import Moment, Options
from pacer.request import Address
from pacer.schedule import NEVER, NS_PER_S, Arrivals, Schedule
from pacer.tls import Trust

_BYTES = ("fixed", "raw_body")  # of a recipe, in base64 on the way


@dataclass(frozen=True, slots=True)
class Plan:
    """One load process's part of a run."""

    index: int
    processes: int
    addresses: list[Address]  # empty if the host's name could not be resolved
    unresolved: str  # the resolver's error in that case
    unix_socket: str | None  # connected to instead of the addresses
    trust: Trust | None  # None: no TLS
    recipes: list[Recipe]
    keepalive: bool
    connections: int  # of this process
    arrivals: Arrivals | None  # None: a closed loop
    rate_rps: float | None  # of all processes together; None: a closed loop
    seed: int | None
    warmup_s: float
    duration_s: float
    timeout_s: float
    timeout_from: Moment
    good_within_ms: float | None  # None: every correct answer is good
    check_every: int
    sample_size: int  # answers that are kept, of all processes together

    @property
    def mixed(self) -> bool:
        """Whether the recipes come from a file, and so have names."""
        return bool(self.recipes[0].name)

    @property
    def schedule(self) -> Schedule:
        """Return this process's part of the schedule. A closed loop has none."""
        if self.rate_rps is None or self.arrivals is None:
            raise ValueError("a closed loop has no schedule")
        return Schedule(
            arrivals=self.arrivals,
            rate_rps=self.rate_rps,
            warmup_s=self.warmup_s,
            duration_s=self.duration_s,
            seed=self.seed,
            index=self.index,
            processes=self.processes,
        )

    @property
    def start_ns(self) -> int:
        """When the load begins, in nanoseconds from the start of the measured part."""
        return -round(self.warmup_s * NS_PER_S)

    @property
    def end_ns(self) -> int:
        """When the last request may be due, in nanoseconds from the start of the measured part."""
        return round(self.duration_s * NS_PER_S)

    @property
    def timeout_ns(self) -> int:
        """How long a request, and the drain after the last one, may take, in nanoseconds."""
        return round(self.timeout_s * NS_PER_S)

    @property
    def good_ns(self) -> int:
        """How long a correct answer may take to be good, in nanoseconds."""
        return NEVER if self.good_within_ms is None else round(self.good_within_ms * 1_000_000)

    def encode(self) -> bytes:
        """Return the plan as one line of bytes."""
        document = asdict(self)
        for recipe in document["recipes"]:
            for key in _BYTES:
                if recipe[key] is not None:
                    recipe[key] = base64.b64encode(recipe[key]).decode()
        return json.dumps(document).encode() + b"\n"

    @classmethod
    def decode(cls, line: bytes) -> "Plan":
        """Return the plan that `encode` made this line of."""
        document = json.loads(line)
        document["recipes"] = [_recipe(recipe) for recipe in document["recipes"]]
        document["addresses"] = [(host, port) for host, port in document["addresses"]]
        if document["trust"] is not None:
            document["trust"] = Trust(**document["trust"])
        return cls(**document)


def _recipe(written: dict[str, Any]) -> Recipe:
    """Return the recipe that `asdict` and JSON made this object of."""
    statuses, draws = written["statuses"], written["draw"]
    decoded: dict[str, Any] = {
        **{key: None if written[key] is None else base64.b64decode(written[key]) for key in _BYTES},
        "statuses": None if statuses is None else tuple(statuses),
        "draw": {
            name: Draw(draw["low"], draw["high"], tuple(draw["choices"]))
            for name, draw in draws.items()
        },
    }
    return Recipe(**(written | decoded))


def split(options: Options, addresses: list[Address], unresolved: str = "") -> list[Plan]:
    """Return a plan for each process, with the connections shared out as evenly as possible."""
    share, rest = divmod(options.connections, options.processes)
    return [
        Plan(
            index=index,
            processes=options.processes,
            addresses=addresses,
            unresolved=unresolved,
            unix_socket=options.unix_socket,
            trust=options.trust,
            recipes=options.recipes,
            keepalive=options.keepalive,
            connections=share + (1 if index < rest else 0),
            arrivals=options.arrivals,
            rate_rps=options.rate_rps,
            seed=options.seed,
            warmup_s=options.warmup_s,
            duration_s=options.duration_s,
            timeout_s=options.timeout_s,
            timeout_from=options.timeout_from,
            good_within_ms=options.good_within_ms,
            check_every=options.check_every,
            sample_size=options.sample_size if options.sample_file else 0,
        )
        for index in range(options.processes)
    ]
