"""Check that the app did all that its workload asks of it, under the same conditions as others."""

from testbed.model import database
from testbed.model.results import AnswerCheck, Finding
from testbed.model.tool_output import ToolOutput
from testbed.numbers import rough
from testbed.validity import sql as sql_of
from testbed.validity.evidence import Evidence, growth
from testbed.validity.limits import beyond, found


def answer(evidence: Evidence) -> list[Finding]:
    """Check that the app answered as its workload expects, before, during and after the load."""
    return [
        found("invalid", f"wrong answer{_to(check)} {check.when} the load: {check.problem}")
        for check in evidence.run.answers
        if not check.ok
    ] + _answers_meanwhile(evidence)


def _to(check: AnswerCheck) -> str:
    return f" to {check.part}" if check.part else ""


def _answers_meanwhile(evidence: Evidence) -> list[Finding]:
    """Return a finding if too many answers during the load differed from the verified one.

    Return an empty list if they did not, or if the generator compares no bodies. Each part of a mix
    is judged by itself, as a rare one would be lost among the others.
    """
    findings: list[Finding] = []
    for which, told in evidence.requests:
        if told.errors.wrong_body and told.requests:
            share = 100 * told.errors.wrong_body / told.requests
            sentence = (
                f"{rough(share)} % of the answers{which} during the load had another body than the "
            )
            findings += beyond("wrong_body_percent", share, f"{sentence}verified one")
    return findings


def sql(evidence: Evidence) -> list[Finding]:
    """Check that PostgreSQL saw the declared statements as often as declared, and no others."""
    if evidence.run.sql is None:
        return [found("doubtful", "which SQL the app sent was not observed")]
    findings = [
        found("invalid", f"SQL that the workload does not declare, {seen.calls} calls: {seen.text}")
        for seen in evidence.run.sql
        if seen.kind == "unexpected"
    ]
    output = evidence.run.output
    if output is None or output.requests is None:
        return findings
    if evidence.run.weights and not output.by_request:
        how_often = "how often each part of the mix was answered is not known, nor how much SQL"
        return [*findings, found("doubtful", f"{how_often} that takes")]
    for statement in sql_of.declared(evidence.expected.statements, _answered(evidence, output)):
        findings += _calls_off(evidence, statement)
    return findings


def _answered(evidence: Evidence, output: ToolOutput) -> dict[str, sql_of.Answered]:
    """Return how many requests to each part of a mix, or to the endpoint itself, were answered.

    Requests without an answer may or may not have reached their query.
    """
    if not evidence.run.weights:
        of_all = sql_of.Answered(
            output.all_answered or 0, output.errors.total + (output.unanswered or 0)
        )
        return dict.fromkeys(evidence.expected.statements, of_all)
    return {
        name: sql_of.Answered(one.all_answered, one.errors.total + one.unanswered)
        for name, one in output.by_request.items()
    }


def _calls_off(evidence: Evidence, statement: sql_of.Declared) -> list[Finding]:
    """Return a finding if the number of calls differs from the declared number.

    Requests that were under way when counting began or ended may have been counted or not: at most
    one per connection each time.
    """
    calls = {
        seen.text: seen.calls for seen in evidence.run.sql or [] if seen.text in statement.texts
    }
    called = sum(calls.values())
    under_way = statement.calls_per_request * 2 * evidence.run.load.connections
    least, most = statement.least_calls, statement.most_calls + under_way
    off = 100 * max(least - called, called - most, 0) / max(least, 1)
    text = max(calls, key=lambda text: calls[text], default=statement.texts[0])
    sentence = (
        f"{called} calls for {sum(statement.answers.values())} answers, {{value:.1f}} % off the "
        f"declared, of `{text}`"
    )
    return beyond("sql_calls_off_percent", off, sentence)


def daemon(evidence: Evidence) -> list[Finding]:
    """Check that the app's unit ran without interruption."""
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
    """Check that all of the app's processes lasted.

    A worker that dies is replaced, so its unit alone would not show it.
    """
    ended = growth(evidence.telemetry["server"], "app_processes_ended")
    return beyond("processes_ended", ended, "{value:.0f} of the app's processes ended meanwhile")


def no_good_answer(evidence: Evidence) -> list[Finding]:
    """Check that at least one request was answered correctly, however slowly.

    Goodput may be zero all the same: every correct answer may have come after the deadline, or
    after the measured part. So it decides only if the generator does not count correct answers. A
    part of a mix that was asked must have a correct answer, too.
    """
    return [
        found("invalid", f"not one request{which} was answered correctly")
        for which, told in evidence.requests
        if not (told.goodput_rps if told.correct is None else told.correct)
        and (not which or told.requests or told.errors.total)
    ]


def unequal_workers(evidence: Evidence) -> list[Finding]:
    """Check that compared apps have the same number of workers.

    If the experiment gives a reason why they differ, the finding is only a remark.
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
    """Check that each table had as many rows as in the campaign's first run."""
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


def database_login(evidence: Evidence) -> list[Finding]:
    """Check that the app had logged in to PostgreSQL as its settings say."""
    asked = str(database.login(evidence.run.settings))
    return [
        found("invalid", f"{calls} statements came by a login with {login}, asked was {asked}")
        for login, calls in (evidence.run.database_logins or {}).items()
        if login != asked
    ]


def unequal_settings(evidence: Evidence) -> list[Finding]:
    """Check that PostgreSQL had the settings that were recorded when the campaign began."""
    now, first = evidence.run.postgresql, evidence.expected.first_postgresql
    if now is None:
        return []
    names = sorted(name for name in now.keys() | first.keys() if now.get(name) != first.get(name))
    told = ", ".join(f"{name} {now.get(name)} (first {first.get(name)})" for name in names)
    sentence = f"other settings of PostgreSQL than when the campaign began: {told}"
    return beyond("postgresql_settings_differing", len(names), sentence)
