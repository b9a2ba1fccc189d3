"""Check that app and generator had both hosts to themselves, at full speed, and were watched."""

import itertools
from collections.abc import Callable, Mapping

from testbed.host_roles import HostRole
from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, Samples, column, growth, mean
from testbed.validity.limits import beyond, found, limits

Measure = Callable[[Samples], float | None]


def _on_each_host(
    samples: Mapping[HostRole, Samples], limit: str, measure: Measure, sentence: str
) -> list[Finding]:
    """Return the findings of one measure over each host's samples."""
    return [
        finding
        for role, of_host in samples.items()
        for finding in beyond(limit, measure(of_host), f"{role}: {sentence}")
    ]


def other_load(evidence: Evidence) -> list[Finding]:
    """Check that nothing else used the hosts' CPUs just before the app was started."""
    findings = []
    for role, before in sorted(evidence.run.before.items()):
        names = ", ".join(f"{one.name} {one.cpu_percent:.0f} %" for one in before.busiest)
        told = f" ({names or 'by no process of this host that stands out'})"
        share = f"{role}: {{value:.0f}} % of the CPUs in use before the app was started{told}"
        cores = f"{role}: {{value:.2f}} CPUs in use before the app was started{told}"
        findings += beyond("other_load_percent", before.cpu_percent, share) or beyond(
            "other_load_cpus", before.cpu_percent / 100 * before.cpus, cores
        )
    return findings


def steal(evidence: Evidence) -> list[Finding]:
    """Check that no other machine took CPU time from the hosts."""

    def measure(samples: Samples) -> float | None:
        return mean(samples, "steal_percent")

    return _on_each_host(evidence.measured, "steal_percent", measure, "{value:.1f} % CPU stolen")


def swap(evidence: Evidence) -> list[Finding]:
    """Check that nothing was swapped."""

    def measure(samples: Samples) -> float | None:
        moved = [growth(samples, name) for name in ("swap_in_bytes", "swap_out_bytes")]
        told = [value for value in moved if value is not None]
        return sum(told) if told else None

    return _on_each_host(evidence.telemetry, "swap_bytes", measure, "{value:.0f} bytes swapped")


def telemetry(evidence: Evidence) -> list[Finding]:
    """Check that both hosts were watched throughout.

    There must be no gap between samples, nor before the first or after the last one.
    """
    load, interval_s = evidence.run.load, evidence.run.telemetry_interval_s

    def measure(samples: Samples) -> float | None:
        times = column(samples, "monotonic_s") or column(samples, "t_s")
        if not times:
            return None
        gaps = [abs(b - a) for a, b in itertools.pairwise(times)]
        # sampling begins before the load and ends after it, each within an interval
        outside_s = load.warmup_s + load.duration_s - (times[-1] - times[0]) - 2 * interval_s
        return max([outside_s, *(gap - interval_s for gap in gaps)])

    return [
        found("doubtful", f"{role}: nothing was recorded by telemetry")
        for role, samples in evidence.telemetry.items()
        if not samples
    ] + _on_each_host(
        evidence.telemetry,
        "telemetry_gap_s",
        measure,
        "{value:.1f} s more than asked without a sample",
    )


def clock(evidence: Evidence) -> list[Finding]:
    """Check that no host's clock was set during the run.

    Wall clock and time since boot both run at the rate that NTP keeps, so only a step of the wall
    clock makes them differ.
    """

    def measure(samples: Samples) -> float | None:
        ahead = [
            sample["t_s"] - sample["monotonic_s"] - sample.get("suspended_s", 0)
            for sample in samples
            if "monotonic_s" in sample
        ]
        return max((abs(b - a) for a, b in itertools.pairwise(ahead)), default=None)

    return _on_each_host(
        evidence.telemetry, "clock_step_s", measure, "the clock jumped by {value:.3f} s"
    )


def suspended(evidence: Evidence) -> list[Finding]:
    """Check that no host slept.

    CLOCK_BOOTTIME counts the time of a suspend and CLOCK_MONOTONIC does not.
    """

    def measure(samples: Samples) -> float | None:
        return growth(samples, "suspended_s")

    return _on_each_host(evidence.telemetry, "suspended_s", measure, "it slept for {value:.1f} s")


def frequency(evidence: Evidence) -> list[Finding]:
    """Check that the CPUs ran near the frequency that they can sustain, second by second."""

    def measure(samples: Samples) -> float | None:
        now, full = column(samples, "cpu_mhz"), column(samples, "cpu_full_mhz")
        highest = max(full, default=0)
        return 100 * (1 - min(now) / highest) if now and highest > 0 else None

    findings = []
    for role, samples in evidence.telemetry.items():
        before = evidence.run.before.get(role)
        governor = f" (governor {before.governor})" if before and before.governor else ""
        sentence = f"{role}: the CPUs fell {{value:.0f}} % below their full frequency{governor}"
        findings += beyond("frequency_below_percent", measure(samples), sentence)
    return findings


def thermal_throttling(evidence: Evidence) -> list[Finding]:
    """Check that no CPU was slowed down because of heat."""

    def measure(samples: Samples) -> float | None:
        return growth(samples, "thermal_throttles")

    sentence = "CPUs were slowed down {value:.0f} times because of heat"
    return _on_each_host(evidence.telemetry, "thermal_throttles", measure, sentence)


def quota_throttling(evidence: Evidence) -> list[Finding]:
    """Check that no control group's CPU quota slowed the app or the generator."""

    def measure(samples: Samples) -> float | None:
        throttles, periods = growth(samples, "quota_throttles"), growth(samples, "quota_periods")
        return 100 * throttles / periods if throttles is not None and periods else None

    sentence = "a CPU quota (cgroup) held processes up in {value:.0f} % of its periods"
    return _on_each_host(evidence.telemetry, "quota_throttled_percent", measure, sentence)


def open_files(evidence: Evidence) -> list[Finding]:
    """Check that app and generator may open a file for each connection, and some more."""
    connections, most_files = evidence.run.load.connections, evidence.run.open_files
    needed = connections + (limits()["open_files_spare"].doubtful or 0)
    allowed = most_files.model_dump() if most_files else {}
    return [
        found(
            "doubtful",
            f"the {whose} may open only {most} files, of {connections} connections: "
            f"{limits()['open_files_spare'].reason}",
        )
        for whose, most in allowed.items()
        if most is not None and most < needed
    ]
