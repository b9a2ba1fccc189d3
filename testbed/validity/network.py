"""Check that the network did not limit the app or the generator."""

from collections.abc import Mapping, Sequence

from testbed.host_roles import HostRole
from testbed.model.link import LinkState
from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, Samples, column, growth
from testbed.validity.limits import beyond


def link_steady(evidence: Evidence) -> list[Finding]:
    """Check that the data link was up throughout, with the same carrier, speed, address and route.

    It is read just before the run, just after its load, and in each sample between.
    """
    findings = []
    for role, samples in _link_samples(evidence).items():
        before, after = evidence.run.before.get(role), evidence.run.link_after.get(role)
        looks = [one for one in (before and before.link, after) if one]
        seen = [*_carrier(looks, samples), *_way(looks, samples), *_card(looks, samples)]
        sentence = f"{role}: the data link did not stay as it was: {'; '.join(seen)}"
        findings += beyond("link_disturbances", len(seen), sentence)
    return findings


def _carrier(looks: Sequence[LinkState], samples: Samples) -> list[str]:
    """Return sentences on a link that was down; an empty list if it never was.

    The count of carrier changes includes those that no sample saw.
    """
    counts = [one.carrier_changes for one in looks if one.carrier_changes is not None]
    counts += map(int, column(samples, "link_carrier_changes"))
    changes = max(counts) - min(counts) if counts else 0
    down = column(samples, "link_up").count(0)
    return [
        *([f"its carrier changed {changes} times"] if changes else []),
        *([f"it was down in {down} samples"] if down else []),
    ]


def _way(looks: Sequence[LinkState], samples: Samples) -> list[str]:
    """Return sentences if the address was gone, or if packets took another way.

    Return an empty list if neither happened.
    """
    gone = column(samples, "link_has_address").count(0)
    ways = column(samples, "link_route")
    other = sum(way != ways[0] for way in ways)
    names = [one.route_by or "no interface" for one in looks]
    return [
        *([f"its address was gone in {gone} samples"] if gone else []),
        *([f"packets would have taken another way in {other} samples"] if other else []),
        *([f"packets left by {' and later '.join(names)}"] if len(set(names)) > 1 else []),
    ]


def _card(looks: Sequence[LinkState], samples: Samples) -> list[str]:
    """Return sentences if speed, duplex or MTU changed; otherwise an empty list."""
    changed = []
    for key, word in (
        ("speed_mbit_per_s", "Mbit/s"),
        ("full_duplex", "full duplex"),
        ("mtu", "MTU"),
    ):
        values = {float(value) for one in looks if (value := getattr(one, key)) is not None}
        values |= set(column(samples, f"link_{key}"))
        if len(values) > 1:
            changed.append(f"{word} {' and '.join(f'{value:g}' for value in sorted(values))}")
    return changed


def link_errors(evidence: Evidence) -> list[Finding]:
    """Check that the cards damaged no frames."""
    findings = []
    for role, samples in _link_samples(evidence).items():
        errors = _sum(samples, "net_rx_errors", "net_tx_errors")
        frames = _sum(samples, "net_rx_packets", "net_tx_packets")
        share = 100 * errors / frames if errors is not None and frames else None
        sentence = f"{role}: the data link's card counted "
        findings += beyond(
            "link_errors_percent", share, sentence + "errors in {value:.2f} % of the frames"
        ) or beyond("link_errors", errors, sentence + "{value:.0f} errors")
    return findings


def link_drops(evidence: Evidence) -> list[Finding]:
    """Check that the interfaces dropped no packets except unrequested ones.

    Some packets belong to protocols that nobody on the host uses, and are always dropped.
    """
    findings = []
    for role, samples in _link_samples(evidence).items():
        drops, elapsed_s = _sum(samples, "net_rx_drops", "net_tx_drops"), _elapsed_s(samples)
        rate = drops / elapsed_s if drops is not None and elapsed_s else None
        sentence = f"{role}: the data link's interface dropped "
        findings += beyond(
            "link_drops_per_s", rate, sentence + "{value:.0f} packets a second"
        ) or beyond("link_drops", drops, sentence + "{value:.0f} packets")
    return findings


def _link_samples(evidence: Evidence) -> Mapping[HostRole, Samples]:
    """Return the samples of both hosts; of none in a calibration, which does not use the link."""
    return evidence.telemetry if evidence.expected.link is not None else {}


def _sum(samples: Samples, *names: str) -> float | None:
    """Return the growth of several counters together; None if the host reports none of them."""
    told = [value for name in names if (value := growth(samples, name)) is not None]
    return sum(told) if told else None


def _elapsed_s(samples: Samples) -> float | None:
    """Return the seconds from the first sample to the last; None if there are no two samples."""
    clock = "monotonic_s" if samples and "monotonic_s" in samples[0] else "t_s"
    return growth(samples, clock)


def link_use(evidence: Evidence) -> list[Finding]:
    """Check that the link had capacity to spare."""
    samples = evidence.measured["server"]
    sent = growth(samples, "net_tx_bytes")
    if evidence.expected.link is None or sent is None:
        return []
    verified = min(way.mbit_per_s for way in evidence.expected.link.directions)
    elapsed_s = _elapsed_s(samples)
    if not elapsed_s or elapsed_s <= 0:
        return []
    mbit_per_s = sent * 8e-6 / elapsed_s
    return beyond(
        "link_use_percent",
        100 * mbit_per_s / verified,
        "the link from server to client was used to {value:.0f} %",
    )


def listen_queue(evidence: Evidence) -> list[Finding]:
    """Check that the app accepted connections as fast as they came.

    A full queue is a result of an overloaded server or of a short queue, and not a fault of the
    run. It is named because it explains latencies of whole seconds.
    """
    return beyond(
        "listen_overflows",
        growth(evidence.telemetry["server"], "listen_overflows"),
        "{value:.0f} connections found the app's listen queue full",
    )


def retransmits(evidence: Evidence) -> list[Finding]:
    """Check that TCP did not have to send much again.

    A little is only a remark, as a short queue of the network overflows in a burst of the load.
    """
    findings = []
    for role, samples in evidence.telemetry.items():
        again, sent = growth(samples, "tcp_retransmits"), growth(samples, "tcp_segments_sent")
        share = 100 * again / sent if again is not None and sent else None
        sentence = f"{role}: TCP sent {{value:.2f}} % of its segments again"
        findings += beyond("retransmit_percent", share, sentence)
    return findings
