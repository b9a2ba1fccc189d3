"""Did the app do what its workload asks of it, all of it, and on equal terms?"""

from testbed.model.catalogue import Statement
from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, growth
from testbed.validity.limits import beyond, found
from testbed.validity.sql import collapsed


def answer(evidence: Evidence) -> list[Finding]:
    """The app answered as its workload expects, before and after the load, and during it."""
    return [
        found("invalid", f"wrong answer {check.when} the load: {check.problem}")
        for check in evidence.run.answers
        if not check.ok
    ] + _answers_meanwhile(evidence)


def _answers_meanwhile(evidence: Evidence) -> list[Finding]:
    """What the generator compared with the verified answer, by length and digest."""
    output = evidence.run.output
    if output is None or not output.errors.wrong_body or not output.requests:
        return []
    share = 100 * output.errors.wrong_body / output.requests
    sentence = "{value:.2g} % of the answers during the load had another body than the verified one"
    return beyond("wrong_body_percent", share, sentence)


def sql(evidence: Evidence) -> list[Finding]:
    """PostgreSQL saw the statements that the workload declares, as often as declared, no others."""
    if evidence.run.sql is None:
        return [found("doubtful", "which SQL the app sent was not observed")]
    findings = [
        found("invalid", f"SQL that the workload does not declare, {seen.calls} calls: {seen.text}")
        for seen in evidence.run.sql
        if seen.kind == "unexpected"
    ]
    for statement in evidence.expected.statements:
        texts = set(map(collapsed, statement.texts))
        calls = {seen.text: seen.calls for seen in evidence.run.sql if seen.text in texts}
        named = max(calls, key=lambda text: calls[text], default=collapsed(statement.texts[0]))
        findings += _calls_off(evidence, statement, sum(calls.values()), named)
    return findings


def _calls_off(evidence: Evidence, statement: Statement, calls: int, named: str) -> list[Finding]:
    """Requests without an answer may or may not have got as far as their query.

    So may those that were under way when the counting began, and those when it ended: at most one a
    connection each time.
    """
    output = evidence.run.output
    answered = output.all_answered if output else None
    if output is None or answered is None:
        return []
    unclear = output.errors.total + (output.unanswered or 0) + 2 * evidence.run.load.connections
    least = statement.calls_per_request * answered
    most = statement.calls_per_request * (answered + unclear)
    off = 100 * max(least - calls, calls - most, 0) / max(least, 1)
    text = named.replace("{", "{{").replace("}", "}}")
    sentence = (
        f"{calls} calls for {answered} answers, {{value:.1f}} % off the declared, of `{text}`"
    )
    return beyond("sql_calls_off_percent", off, sentence)


def daemon(evidence: Evidence) -> list[Finding]:
    """The app's unit ran through."""
    unit = evidence.run.unit or {}
    if unit.get("ActiveState") != "active":
        state = unit.get("ActiveState", "unknown")
        return [found("invalid", f"the app's unit was not active after the load, but {state}")]
    if unit.get("NRestarts", "0") != "0":
        return [found("invalid", f"the app's unit restarted {unit['NRestarts']} times")]
    if evidence.run.main_pid is not None and unit.get("MainPID") != str(evidence.run.main_pid):
        return [found("invalid", "the app's unit was started anew: it has another main process")]
    return []


def workers_ended(evidence: Evidence) -> list[Finding]:
    """All of the app's processes lasted: a worker that dies is replaced, and the unit goes on."""
    ended = growth(evidence.telemetry["server"], "app_processes_ended")
    return beyond("processes_ended", ended, "{value:.0f} of the app's processes ended meanwhile")


def no_good_answer(evidence: Evidence) -> list[Finding]:
    """At least one request was answered correctly."""
    output = evidence.run.output
    if output and not output.goodput_rps:
        return [found("invalid", "not one request was answered correctly")]
    return []


def unequal_workers(evidence: Evidence) -> list[Finding]:
    """Apps that are compared have as many workers each, unless the experiment wants it otherwise.

    Its reason then is a remark.
    """
    counts = evidence.expected.workers
    if not counts:
        return []
    named = ", ".join(f"{app} {counts[app]}" for app in sorted(counts))
    sentence = f"unequal workers: {named}"
    difference = max(counts.values()) - min(counts.values())
    if difference and evidence.expected.unequal_workers:
        return [found("valid", f"{sentence}; as declared: {evidence.expected.unequal_workers}")]
    return beyond("workers_difference", difference, sentence)


def unequal_data(evidence: Evidence) -> list[Finding]:
    """The app found as many rows in each table as the campaign's first run did."""
    now, first = evidence.run.rows, evidence.expected.first_rows
    if now is None or first is None:
        return []
    tables = sorted(
        name for name in now.keys() | first.keys() if now.get(name, 0) != first.get(name, 0)
    )
    named = ", ".join(
        f"{name} {now.get(name, 0)} rows (first {first.get(name, 0)})" for name in tables
    )
    sentence = f"other data than in the campaign's first run: {named}"
    return beyond("data_tables_differing", len(tables), sentence)


def unequal_settings(evidence: Evidence) -> list[Finding]:
    """PostgreSQL had the settings that the campaign recorded when it began."""
    now, first = evidence.run.postgresql, evidence.expected.first_postgresql
    if now is None:
        return []
    names = sorted(name for name in now.keys() | first.keys() if now.get(name) != first.get(name))
    told = ", ".join(f"{name} {now.get(name)} (first {first.get(name)})" for name in names)
    told = told.replace("{", "{{").replace("}", "}}")
    sentence = f"other settings of PostgreSQL than when the campaign began: {told}"
    return beyond("postgresql_settings_differing", len(names), sentence)
