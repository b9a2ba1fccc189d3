"""Did the generator put on the load that was asked for?"""

from testbed.model.results import Finding
from testbed.validity.evidence import Evidence, mean
from testbed.validity.limits import beyond, found, limits


def tool_output(evidence: Evidence) -> list[Finding]:
    """The generator's output holds together."""
    problems = evidence.output.problems if evidence.output else []
    return [found("doubtful", f"the generator's output: {problem}") for problem in problems]


def generator_lag(evidence: Evidence) -> list[Finding]:
    """The generator kept its own schedule."""
    lag = evidence.output.lag_us if evidence.output else None
    p99 = lag.percentiles.get("99") if lag else None
    return beyond("generator_lag_p99_us", p99, "the generator lagged: p99 {value:.0f} us")


def generator_cpu(evidence: Evidence) -> list[Finding]:
    """The generator had CPU time to spare."""
    percent = evidence.output.cpu_percent if evidence.output else None
    if percent is None:
        return []
    each = percent / evidence.generator_processes
    return beyond("generator_cpu_percent", each, "the generator used {value:.0f} % of a core")


def rate_reached(evidence: Evidence) -> list[Finding]:
    """A rate that was not put on is the server's doing only if the server was busy."""
    output = evidence.output
    if not output or not output.due or output.unsent is None:
        return []
    busy = mean(evidence.telemetry["server"], "cpu_percent")
    bound = limits()["server_busy_percent"].doubtful
    if busy is None or bound is None or busy >= bound:
        return []
    short = 100 * output.unsent / output.due
    sentence = "{value:.1f} % of the requests due were never sent, yet the server's CPUs were at "
    return beyond("rate_short_percent", short, f"{sentence}{busy:.0f} %")


def starved_connections(evidence: Evidence) -> list[Finding]:
    """No connection starved while others raced: a load of fewer connections than asked.

    Compares the twentieth of the connections that got the fewest answers with the median one. Not
    judged: too few answers a connection for chance to be ruled out; servers that close connections
    after each answer or so; generators that do not count by connection.
    """
    output = evidence.output
    answers = output.answers_per_connection if output else None
    if output is None or answers is None or not answers.p50:
        return []
    opened = answers.connections + (output.connections_opened or 0)
    least_mean = limits()["answers_per_connection_judged"].doubtful or 0
    if answers.p50 < least_mean or (output.requests or 0) < least_mean * opened:
        return []
    sentence = (
        f"connections starved: a twentieth of them got at most {answers.p5:g} answers "
        f"({answers.none} none at all), {{value:.0f}} % less than the median's {answers.p50:g}"
    )
    fewer_percent = 100 * (1 - answers.p5 / answers.p50)
    return beyond("starved_connections_percent", fewer_percent, sentence)
