"""Judge whether a run counts. Each check looks at one thing, and the worst verdict holds.

The checks are pure, except that they read the run's own files. To add one, write it in the module
of its subject, list it in CHECKS, and put its words into checks.yml and its limits into limits.yml.
"""

from collections.abc import Callable, Iterable

from testbed.model.results import Finding, Verdict
from testbed.validity import app, figures, generator, hosts, network, upstream
from testbed.validity.evidence import Evidence, Expected
from testbed.validity.limits import limits

__all__ = ["CHECKS", "Evidence", "Expected", "judge", "limits", "worst"]

ORDER: list[Verdict] = ["valid", "doubtful", "invalid"]

CHECKS: list[Callable[[Evidence], list[Finding]]] = [
    app.answer,
    app.sql,
    app.daemon,
    app.workers_ended,
    app.no_good_answer,
    app.unequal_workers,
    app.unequal_data,
    app.unequal_settings,
    app.database_login,
    generator.tool_output,
    generator.generator_lag,
    generator.generator_cpu,
    generator.rate_reached,
    generator.starved_connections,
    figures.censored,
    figures.untimed,
    figures.failed_answers,
    figures.steady,
    figures.response_steady,
    figures.tail_samples,
    hosts.other_load,
    hosts.steal,
    hosts.swap,
    hosts.telemetry,
    hosts.clock,
    hosts.suspended,
    hosts.frequency,
    hosts.thermal_throttling,
    hosts.quota_throttling,
    hosts.open_files,
    network.link_steady,
    network.link_errors,
    network.link_drops,
    network.link_use,
    network.listen_queue,
    network.retransmits,
    upstream.upstream_late,
]


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the verdict of a run, which is that of its worst finding."""
    return max((finding.verdict for finding in findings), key=ORDER.index, default="valid")


def judge(evidence: Evidence) -> list[Finding]:
    """Return all findings on the run, problems and remarks; often an empty list."""
    if evidence.run.failure:
        what = "interrupted" if evidence.run.failure.interrupted else "failed"
        sentence = f"no figures: {what} in stage '{evidence.run.failure.stage}'"
        return [Finding(check="failure", verdict="invalid", sentence=sentence)]
    return [
        finding.model_copy(update={"check": check.__name__})
        for check in CHECKS
        for finding in check(evidence)
    ]
