"""Check that the generator made the load that was asked for."""

from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, mean
from testbed.validity.limits import beyond, found, limits


def tool_output(evidence: Evidence) -> list[Finding]:
    """Check that the generator's output is consistent."""
    problems = evidence.run.output.problems if evidence.run.output else []
    return [found("doubtful", f"the generator's output: {problem}") for problem in problems]


def generator_lag(evidence: Evidence) -> list[Finding]:
    """Check that the generator kept its own schedule."""
    lag = evidence.run.output.lag_us if evidence.run.output else None
    p99 = lag.percentiles.get("99") if lag else None
    return beyond("generator_lag_p99_us", p99, "the generator lagged: p99 {value:.0f} us")


def generator_cpu(evidence: Evidence) -> list[Finding]:
    """Check that each of the generator's processes had CPU time to spare."""
    percent = evidence.run.output.busiest_process_cpu_percent if evidence.run.output else None
    sentence = "a process of the generator used {value:.0f} % of a core"
    return beyond("generator_cpu_percent", percent, sentence)


def rate_reached(evidence: Evidence) -> list[Finding]:
    """Check that the asked rate was reached, unless the server was too busy for it."""
    output = evidence.run.output
    if not output or not output.due or output.unsent is None:
        return []
    busy = mean(evidence.measured["server"], "cpu_percent")
    bound = limits()["server_busy_percent"].doubtful
    if busy is None or bound is None or busy >= bound:
        return []
    short = 100 * output.unsent / output.due
    sentence = "{value:.1f} % of the requests due were never sent, yet the server's CPUs were at "
    return beyond("rate_short_percent", short, f"{sentence}{busy:.0f} %")


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
