"""Tell what a run took of the server host: CPU time by whom it served, and the app's memory."""

from testbed.model.results import Cost
from testbed.validity.evidence import Evidence, Samples, column, growth

APP = "app"
_TIME = "_cpu_usec"
_OF_GROUP = "_cpu_of_group"
# What the sampling itself takes, which serves nobody
_SAMPLING = ("telemetry_cpu_usec", "app_pss_cpu_usec")


def of_run(evidence: Evidence) -> Cost | None:
    """Return the cost of the run; None if its telemetry does not have it."""
    samples = evidence.inside("server")
    programs = _programs(evidence.telemetry["server"])
    if APP not in programs:
        return None
    used = {name: _ms_per_s(samples, f"{name}{_TIME}") for name in programs}
    return Cost(
        app_ms_per_s=used.pop(APP),
        services_ms_per_s=used,
        kernel_ms_per_s=_left_over(evidence, samples, programs),
        of_groups=_of_groups(samples, programs),
        memory_rest_bytes=next(iter(column(evidence.telemetry["server"], "app_pss_bytes")), None),
        memory_peak_bytes=max(column(samples, "app_pss_bytes"), default=None),
        memory_worker_bytes=max(column(samples, "app_worker_pss_bytes"), default=None),
    )


def _programs(samples: Samples) -> list[str]:
    """Return the names of the programs whose CPU time was sampled: the app and its services."""
    return sorted({key.removesuffix(_OF_GROUP) for row in samples for key in row
                   if key.endswith(_OF_GROUP)})  # fmt: skip


def _ms_per_s(samples: Samples, name: str) -> float | None:
    """Return how fast a counter of microseconds grew; None unless it was there and never fell."""
    told = [row for row in samples if name in row and "monotonic_s" in row]
    values = column(told, name)
    grown, passed_s = growth(told, name), growth(told, "monotonic_s")
    if grown is None or not passed_s or passed_s < 0 or values != sorted(values):
        return None
    return grown / 1000 / passed_s


def _left_over(evidence: Evidence, samples: Samples, programs: list[str]) -> float | None:
    """Return the CPU time of the host that nobody else had, less that of the idle host.

    Return None if the load was made on the same host, as its time would be among it.
    """
    before = evidence.run.before.get("server")
    idle = None if before is None else before.host_cpu_ms_per_s
    whole = _ms_per_s(samples, "host_cpu_usec")
    theirs = [_ms_per_s(samples, f"{name}{_TIME}") for name in programs]
    sampling = [_ms_per_s(samples, name) or 0.0 for name in _SAMPLING]
    known = [one for one in theirs if one is not None]
    here = evidence.run.load.from_host == "server"
    if here or idle is None or whole is None or len(known) < len(theirs):
        return None
    return max(0.0, whole - sum(known) - sum(sampling) - idle)


def _of_groups(samples: Samples, programs: list[str]) -> bool | None:
    values = [value for name in programs for value in column(samples, f"{name}{_OF_GROUP}")]
    return all(values) if values else None
