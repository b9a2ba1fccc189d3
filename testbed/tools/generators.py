"""Choose the load generator for a load, and say which loads each of them takes. Pure functions."""

import itertools
from datetime import datetime, timedelta

from testbed.errors import Exit, TestbedError
from testbed.model.experiment import AUTO, LoadSpec
from testbed.model.load import Load
from testbed.model.results import Before
from testbed.numbers import written_out
from testbed.tools.table import GENERATORS, generator
from testbed.tools.tool import Generator

NAMES = (AUTO, *GENERATORS)  # the names that an experiment and --generator may give


def either(names: list[str]) -> str:
    """Join names to 'a', 'a or b' or 'a, b or c'; an empty text if there are no names."""
    *most, last = names or [""]
    return f"{', '.join(most)} or {last}" if most else last


def unknown(spec: LoadSpec) -> str | None:
    """Return what is wrong with the generator's name; None if there is one of that name."""
    if spec.generator in NAMES:
        return None
    return f"must be {either([repr(name) for name in NAMES])}"


def misfit(spec: LoadSpec) -> str | None:
    """Return why the generator asked for cannot carry out the load; None if it can."""
    return None if spec.generator == AUTO else _misfit(GENERATORS[spec.generator], spec)


def _misfit(one: Generator, spec: LoadSpec) -> str | None:
    """Return the first reason why a generator cannot carry out the load; None if it can."""
    reasons = (reason(one, spec) for reason in (_of_its_kind, _of_the_rate, _of_its_limits))
    return next((reason for reason in reasons if reason is not None), None)


def _of_its_kind(one: Generator, spec: LoadSpec) -> str | None:
    """Return why it cannot make such a load, or not count what is asked of it; None if it can."""
    name = one.name
    if spec.open_loop and not one.holds_a_rate:
        wanted = "draws_arrivals" if spec.usual_arrivals == "poisson" else "holds_a_rate"
        return f"{name} cannot hold a rate: take {_those(wanted)}"
    if not spec.open_loop and not one.saturates:
        return f"{name} holds a rate: take {_those('saturates')} for saturation"
    if spec.capacity and not one.counts_unsent:
        return (
            f"{name} does not count requests that were never sent or answered: take "
            f"{_those('counts_unsent')} to search for a capacity"
        )
    if spec.timeout_from == "due" and not one.times_out_from_due:
        return (
            f"{name} counts time-outs from when a request was sent: take "
            f"{_those('times_out_from_due')} for timeout_from: due"
        )
    if spec.good_within_ms is not None and not one.has_a_deadline:
        return (
            f"{name} does not tell how many correct answers came within good_within_ms: take "
            f"{_those('has_a_deadline')}"
        )
    return None


def _of_the_rate(one: Generator, spec: LoadSpec) -> str | None:
    """Return why it cannot hold one of the rates, or not with such arrivals; None if it can."""
    name = one.name
    if one.whole_rates and not spec.whole_rates:
        return (
            f"{name} takes whole requests per second: take {_without('whole_rates', spec)} for "
            "others"
        )
    warm_up = spec.warmup_rate_rps if spec.warmup_s else None
    if warm_up is not None and one.whole_rates and not float(warm_up).is_integer():
        others = _without("whole_rates", spec)
        return (
            f"{name} takes whole requests per second: warmup_rate_rps must be one, or take {others}"
        )
    if any(rate < one.least_rps for rate in spec.rates_rps):
        return f"{name} asks at least {written_out(one.least_rps)} requests per second"
    if one.most_rps is not None and any(rate > one.most_rps for rate in spec.rates_rps):
        return f"{name} asks at most {written_out(one.most_rps, ',')} requests per second"
    if spec.usual_arrivals == "poisson" and not one.draws_arrivals:
        return (
            f"{name} sends at constant intervals: take {_those('draws_arrivals')} for arrivals: "
            "poisson, or ask for arrivals: constant"
        )
    return None


def _of_its_limits(one: Generator, spec: LoadSpec) -> str | None:
    """Return why it cannot have such connections, threads or times; None if it can."""
    name = one.name
    if one.keeps_connections and not spec.keepalive:
        return f"{name} keeps its connections: keepalive must be true"
    if one.most_threads is not None and spec.threads > one.most_threads:
        if one.most_threads == 1:
            return f"{name} has one thread: threads must be 1"
        return f"{name} has at most {one.most_threads} threads"
    if one.whole_seconds and not float(spec.duration_s).is_integer():
        others = _without("whole_seconds", spec)
        return f"{name} measures for whole seconds: duration_s must be one, or take {others}"
    if one.whole_timeouts and not float(spec.timeout_s).is_integer():
        others = _without("whole_timeouts", spec)
        return f"{name} waits for whole seconds: timeout_s must be one, or take {others}"
    if one.longest_s is not None and max(spec.duration_s, spec.warmup_s) > one.longest_s:
        return f"{name} {one.why_no_longer}: at most {one.longest_s} s"
    return None


def _those(ability: str) -> str:
    return either([name for name, one in GENERATORS.items() if getattr(one, ability)])


def _without(limit: str, spec: LoadSpec) -> str:
    """Name the generators that are not limited so, among those for such a load."""
    able = "holds_a_rate" if spec.open_loop else "saturates"
    return either(
        [name for name, one in GENERATORS.items() if getattr(one, able) and not getattr(one, limit)]
    )


def candidates(spec: LoadSpec) -> list[str]:
    """Return the generators that may carry out the load, the preferred one first.

    That is the one asked for, or those that `auto` stands for, in the order of the table.
    """
    if spec.generator != AUTO:
        return [spec.generator]
    fitting = (one for one in GENERATORS.values() if one.taken_by_auto)
    return [one.name for one in fitting if _misfit(one, spec) is None]


def asking(spec: LoadSpec, methods: set[str], *, in_turn: bool) -> tuple[LoadSpec, str | None]:
    """Return the load by a generator that can ask with these methods, and what forbids that.

    Nothing forbids it if that is None. With `in_turn`, the generator must ask several requests in
    turn, or draw the values of one.
    """
    in_turn_too = [name for name, one in GENERATORS.items() if one.mixes or not in_turn]
    able = [name for name in in_turn_too if all(map(GENERATORS[name].can_ask, methods))]
    wanted = candidates(spec)
    if wanted and set(wanted) <= set(able) and not (in_turn and spec.generator == AUTO):
        return spec, None
    if spec.generator == AUTO:
        first = next((name for name in wanted if name in able), able[0])
        chosen = spec.model_copy(update={"generator": first})
        return chosen, misfit(chosen)
    fitting = [name for name in able if _misfit(GENERATORS[name], spec) is None]
    others = either(fitting or able)
    if spec.generator not in in_turn_too:
        return spec, f"{spec.generator} asks one request again and again: take {others}"
    lacking = either(sorted(itertools.filterfalse(GENERATORS[spec.generator].can_ask, methods)))
    return spec, f"{spec.generator} cannot ask with {lacking}: take {others}"


def settled(spec: LoadSpec) -> LoadSpec:
    """Return the load of a whole ramp or search, with its generator set if only one takes all.

    All steps and probes then use that generator, even those that others could take as well.
    """
    names = candidates(spec)
    return spec.model_copy(update={"generator": names[0]}) if len(names) == 1 else spec


def choose(spec: LoadSpec, available: set[str]) -> Load:
    """Return the load of one run, with its generator chosen among those `available` on the host.

    Raises TestbedError if the one asked for, or every candidate, is missing there.
    """
    wanted = candidates(spec)
    found = next((name for name in wanted if name in available), None)
    if found is None:
        raise TestbedError(
            f"{spec.from_host} host: no {either(wanted)} there",
            remedy="run `ansible-playbook site.yml` for this inventory, or choose --generator",
            exit_code=Exit.NOT_READY,
        )
    one = GENERATORS[found]
    from_due = spec.open_loop and one.times_out_from_due
    settled_now = {
        "generator": found,
        "arrivals": spec.usual_arrivals,
        "timeout_from": spec.timeout_from or ("due" if from_due else "sent"),
    }
    return Load.model_validate(spec.model_dump(exclude={"ramp", "capacity"}) | settled_now)


def measured_from(output: str, load: Load, host: Before) -> datetime | None:
    """Return when the measured part began, by the clock of the control side.

    Return None if the generator does not print it, or the host's clock was not compared or is that
    of no calendar.
    """
    told = generator(load.generator).measured_from(output)
    if told is None or host.clock_offset_s is None:
        return None
    try:
        return told - timedelta(seconds=host.clock_offset_s)
    except OverflowError:
        return None
