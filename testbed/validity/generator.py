"""Check that the generator made the load that was asked for."""

from testbed.model.results import Finding
from testbed.numbers import milliseconds
from testbed.validity import fault, gave_out
from testbed.validity.evidence import Evidence
from testbed.validity.limits import beyond, found, limits


def tool_output(evidence: Evidence) -> list[Finding]:
    """Check that the generator's output is consistent."""
    problems = evidence.run.output.problems if evidence.run.output else []
    return [found("doubtful", f"the generator's output: {problem}") for problem in problems]


def generator_lag(evidence: Evidence) -> list[Finding]:
    """Check that the generator kept its own schedule, as far as response times can tell.

    They include the lag. One that is small beside what the server took moves none of them by much.
    """
    output = evidence.run.output
    p99 = output.lag_us.percentiles.get("99") if output and output.lag_us else None
    told = beyond("generator_lag_p99_us", p99, "the generator lagged: p99 {value:.0f} us")
    service_us = output.service_us.percentiles.get("50") if output and output.service_us else None
    if p99 is None or not service_us or any(one.verdict == "invalid" for one in told):
        return told
    return told if beyond("generator_lag_judged_percent", 100 * p99 / service_us, "") else []


def generator_cpu(evidence: Evidence) -> list[Finding]:
    """Check that each of the generator's processes had CPU time to spare."""
    percent = evidence.run.output.busiest_process_cpu_percent if evidence.run.output else None
    sentence = "a process of the generator used {value:.0f} % of a core"
    return beyond("generator_cpu_percent", percent, sentence)


def rate_reached(evidence: Evidence) -> list[Finding]:
    """Check that the asked rate was reached, unless it was the server that did not allow it.

    A request is never sent if every connection is in use until it has timed out, or until the load
    ends. That is a result of the app, whose workers may wait for something while CPUs idle. It is a
    fault of the run only if the generator is shown to have caused it.
    """
    output = evidence.run.output
    if not output or not output.due or output.unsent is None:
        return []
    short = 100 * output.unsent / output.due
    sentence = "{value:.1f} % of the requests due were never sent"
    shown = fault.of_generator(evidence.run.load, output)
    if shown:
        return beyond("rate_short_percent", short, f"{sentence}: {shown}")
    return beyond("unsent_percent", short, f"{sentence}{_what_gave_out(evidence)}")


def _what_gave_out(evidence: Evidence) -> str:
    """Return what kept the requests waiting, as far as it is known, to follow a sentence."""
    found, output = gave_out.of_run(evidence), evidence.run.output
    service_us = output.service_us.mean if output and output.service_us else None
    known = [
        f"all {evidence.run.load.connections} connections waited for the server",
        service_us and f"which took {milliseconds(service_us)} ms on average",
        found and f"what gave out first: {found.words} ({found.sentence})",
    ]
    return ": " + ", ".join(part for part in known if part)


def starved_connections(evidence: Evidence) -> list[Finding]:
    """Check that no connection starved while others raced.

    If some did, the load came from fewer connections than asked for. The check looks at the
    twentieth of the connections that got the fewest answers. It does not judge three cases: so few
    answers per connection that chance explains the difference; servers that close a connection
    after one or a few answers; and generators that do not count answers by connection.
    """
    output = evidence.run.output
    answers = output.answers_per_connection if output else None
    if output is None or answers is None:
        return []
    opened = answers.connections + (output.connections_opened or 0)
    least_mean = limits()["answers_per_connection_judged"].doubtful or 0
    if answers.mean * answers.connections < least_mean * opened:
        return []
    sentence = (
        f"connections starved: {answers.none} of {answers.connections} got no answer, a twentieth "
        f"at most {answers.p5}, {{value:.0f}} % less than their share of {answers.mean:.0f}"
    )
    fewer_percent = 100 * (1 - answers.p5 / answers.mean)
    return beyond("starved_connections_percent", fewer_percent, sentence)
