"""Did the network stand between generator and app?"""

from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, growth
from testbed.validity.limits import beyond


def link_use(evidence: Evidence) -> list[Finding]:
    """The link had room."""
    samples = evidence.measured["server"]
    sent = growth(samples, "net_tx_bytes")
    if evidence.link is None or sent is None:
        return []
    verified = min(way.mbit_per_s for way in evidence.link.directions)
    clock = "monotonic_s" if "monotonic_s" in samples[0] else "t_s"
    elapsed_s = growth(samples, clock)
    if not elapsed_s or elapsed_s <= 0:
        return []
    mbit_per_s = sent * 8e-6 / elapsed_s
    return beyond(
        "link_use_percent",
        100 * mbit_per_s / verified,
        "the link from server to client was used to {value:.0f} %",
    )


def listen_queue(evidence: Evidence) -> list[Finding]:
    """The app took connections up as fast as they came.

    A full queue is a result of an overloaded server, or of a short queue, and no fault of the run;
    but it explains latencies of whole seconds, so it is named.
    """
    return beyond(
        "listen_overflows",
        growth(evidence.telemetry["server"], "listen_overflows"),
        "{value:.0f} connections found the app's listen queue full",
    )


def retransmits(evidence: Evidence) -> list[Finding]:
    """TCP did not have to send much again. A remark too: it is what the load did to the network."""
    findings = []
    for role, samples in evidence.telemetry.items():
        again, sent = growth(samples, "tcp_retransmits"), growth(samples, "tcp_segments_sent")
        share = 100 * again / sent if again is not None and sent else None
        sentence = f"{role}: TCP sent {{value:.2f}} % of its segments again"
        findings += beyond("retransmit_percent", share, sentence)
    return findings
