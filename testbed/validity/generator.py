"""Check that the generator made the load that was asked for."""

from testbed.model.load import Load
from testbed.model.results import Finding
from testbed.model.tool_output import ToolOutput
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
    fault = _fault(evidence.run.load, output)
    if fault:
        return beyond("rate_short_percent", short, f"{sentence}: {fault}")
    return beyond("unsent_percent", short, f"{sentence}{_what_was_busy(evidence, output)}")


def _fault(load: Load, output: ToolOutput) -> str | None:
    """Return what shows that the generator itself did not send; None if nothing does.

    A generator that was late or short of CPU time is not to blame if the connections were in use
    and could not have carried the rate in any case. (The run is then invalid for being late.)
    """
    free = _had_free_connections(load, output)
    if not free and _too_few_connections(load, output):
        return None
    lag_us = output.lag_us.percentiles.get("99") if output.lag_us else None
    if _invalid("generator_lag_p99_us", lag_us):
        return f"the generator lagged, p99 {lag_us:.0f} us"
    percent = output.busiest_process_cpu_percent
    if _invalid("generator_cpu_percent", percent):
        return f"the generator was out of CPU time, at {percent:.0f} % of a core"
    if free:
        return "the server answered so fast that there were free connections for them"
    return None


def _invalid(limit: str, value: float | None) -> bool:
    return any(one.verdict == "invalid" for one in beyond(limit, value, ""))


def _too_few_connections(load: Load, output: ToolOutput) -> bool:
    """Return whether all requests due would have kept the connections for longer than the run.

    That follows from the mean service time by Little's law, however promptly they were sent.
    """
    service = output.service_us
    if service is None or service.mean is None or not output.requests or not output.due:
        return False
    duration_s = output.duration_s or load.duration_s
    return output.due * service.mean / 1e6 > load.connections * duration_s


def _had_free_connections(load: Load, output: ToolOutput) -> bool:
    """Return whether service times show that the generator left connections idle.

    If the server was the reason, then all connections were in use whenever a request that was never
    sent was due, so at least for the same share of the run. That is refuted if all requests
    together kept the connections for less time, those that were lost or had to connect as long as
    the time-out allows. It is also refuted if there were none of these, and even the slowest answer
    was so fast that the connections carry the rate (Little's law).

    The mean service time alone refutes nothing: if the server is fast for most of the run and then
    hangs, most answers were fast, and yet no connection was free at the end.
    """
    errors, service = output.errors, output.service_us
    if service is None or service.mean is None or not output.requests or not output.due:
        return False
    duration_s = output.duration_s or load.duration_s
    # A request of the warm-up may keep its connection for so long, and is in no figure
    known_s = duration_s - (load.timeout_s if load.warmup_s else 0)
    failed = (errors.connect, errors.read, errors.write, errors.timeout)
    lost = sum(count or 0 for count in (*failed, output.unanswered, output.connections_opened))
    kept_s = output.requests * service.mean / 1e6 + lost * load.timeout_s
    waited_s = min((output.unsent or 0) / output.due * duration_s, known_s)
    if kept_s < load.connections * waited_s:
        return True
    if lost or service.max is None:
        return False
    return load.connections * known_s >= output.due * service.max / 1e6


def _what_was_busy(evidence: Evidence, output: ToolOutput) -> str:
    """Return what kept the requests waiting, as far as it is known, to follow a sentence."""
    server = evidence.measured["server"]
    service_us = output.service_us.mean if output.service_us else None
    cpus, app = mean(server, "cpu_percent"), mean(server, "app_cpu_percent")
    known = [
        f"all {evidence.run.load.connections} connections waited for the server",
        service_us and f"which took {service_us / 1000:.3g} ms on average",
        None if cpus is None else f"with its CPUs at {cpus:.0f} %",
        None if app is None else f"the app's processes at {app:.0f} % of a core",
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
