"""Tell from the generator's figures whether it, and not the server, sent too little."""

import math

from testbed.model.load import Load
from testbed.model.tool_output import ToolOutput
from testbed.validity.limits import beyond

# Standard deviations by which the requests due at random times in a part of a run may exceed those
# expected: chance does it in fewer than one in 10,000 runs, in whatever part of them
CROWDING = 5.0
AFTER_THE_END_S = 1  # for so long pacer sends the requests that wait (PATIENCE_NS)


def of_generator(load: Load, output: ToolOutput) -> str | None:
    """Return what shows that the generator itself did not send; None if nothing does.

    A generator that was late or short of CPU time is not to blame if the connections were in use
    and could not have carried the rate in any case. (The run is then invalid for being late.)
    """
    free = had_free_connections(load, output)
    if not free and too_few_connections(load, output):
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


def in_flight(load: Load, output: ToolOutput) -> float | None:
    """Return how many requests were under way on average, by Little's law.

    A request that got no answer kept its connection until it timed out. Return None if the
    generator reports no times.
    """
    service, duration_s = output.service_us or output.latency_us, output.duration_s
    if service.mean is None or not output.requests or not duration_s:
        return None
    errors = output.errors
    lost = (errors.timeout or 0) + (output.unanswered or 0)
    kept_s = output.requests * service.mean / 1e6 + lost * load.timeout_s
    return min(load.connections, kept_s / duration_s)


def _invalid(limit: str, value: float | None) -> bool:
    return any(one.verdict == "invalid" for one in beyond(limit, value, ""))


def too_few_connections(load: Load, output: ToolOutput) -> bool:
    """Return whether all requests due would have kept the connections for longer than the run.

    That follows from the mean service time by Little's law, however promptly they were sent.
    """
    service = output.service_us
    if service is None or service.mean is None or not output.requests or not output.due:
        return False
    duration_s = output.duration_s or load.duration_s
    return output.due * service.mean / 1e6 > load.connections * duration_s


def had_free_connections(load: Load, output: ToolOutput) -> bool:
    """Return whether service times show that the generator left connections idle.

    If the server was the reason, then all connections were in use whenever a request that was never
    sent was due, so at least for the same share of the run. That is refuted if all requests
    together kept the connections for less time, those that were lost or had to connect as long as
    the time-out allows. It is also refuted if there were none of these, and even the slowest answer
    was so fast that the connections carry the rate (Little's law).

    The mean service time alone refutes nothing: if the server is fast for most of the run and then
    hangs, most answers were fast, and yet no connection was free at the end.

    Requests that are due at random times come in crowds. So more of them than their share may be
    due in a part of the run, and a crowd may wait although the connections carry the mean rate.
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
    crowding = CROWDING if load.arrivals == "poisson" else 0.0
    waited_s = min(_least(output.unsent or 0, crowding) / output.due * duration_s, known_s)
    if kept_s < load.connections * waited_s:
        return True
    if lost or service.max is None or known_s <= 0:
        return False
    needs_s = output.due * service.max / 1e6  # of all connections together
    spare_s = load.connections * known_s - needs_s
    if spare_s < 0:
        return False
    # The most work that a crowd brings beyond what is carried meanwhile, were it as long as is
    # worst: of x needed seconds, crowding * sqrt(x) more, less what the spare time carries
    deviation_s = crowding * math.sqrt(output.due) * service.max / 1e6
    most_s = deviation_s - spare_s
    if spare_s and deviation_s < 2 * spare_s:
        most_s = deviation_s**2 / (4 * spare_s)
    # Where a time-out counts from when a request is sent, one may wait until the run ends
    patience_s = load.timeout_s if load.timeout_from == "due" else AFTER_THE_END_S
    return most_s <= load.connections * patience_s


def _least(count: float, crowding: float) -> float:
    """Return how many are expected at least where so many came, if chance brought more."""
    return ((math.sqrt(crowding**2 + 4 * count) - crowding) / 2) ** 2
