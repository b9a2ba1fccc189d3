"""Declare the tables of `export`: a model for each, a field for each column.

The fields' descriptions are the schema in docs/tables.md. Units are in the names: `_rps` per s,
`_us` microseconds, `_s` seconds, `_percent` of a hundred. A value that was not obtained is missing,
never 0.
"""

from pydantic import Field

from testbed.model.base import Model


class Row(Model):
    """What every table begins with."""

    campaign: str = Field(description="name of the campaign's folder")


class _Where(Row):
    """Which cell a row is of."""

    endpoint: str = Field(description="what was asked")
    app: str = Field(description="the app's name")
    variant: str = Field(description="the variant's name; `default` where nothing was varied")


class Run(_Where):
    """A row for each run."""

    run_id: str = Field(description="name of the run's folder")
    trial: int = Field(description="number of the trial")
    app_title: str = Field(description="the app's name in charts")
    workload: str = Field(description="the workload's name")
    place: str = Field(description="`lab` or `metal`: figures of one are not the other's")
    settings: str | None = Field(description="the app's settings, as `name=value, …`")
    generator: str = Field(description="what made the load")
    generator_version: str | None = Field(description="its version, if it tells one")
    mode: str = Field(description="`constant_rate` or `saturation` (a closed loop)")
    asked_rate_rps: float | None = Field(description="requests per second asked; closed loop: none")
    arrivals: str | None = Field(description="`constant` or `poisson`; closed loop: none")
    connections: int = Field(description="connections kept open")
    asked_duration_s: float = Field(description="seconds of measured load that were asked")
    upstream_latency_ms: float | None = Field(
        description="what the other service was to take (median); missing: none is asked"
    )
    keepalive: bool = Field(description="whether connections were kept between requests")
    calibration: bool = Field(description="generator on the server itself: never ranked")
    started_at: str = Field(description="when the run began, ISO 8601 in UTC")
    duration_s: float | None = Field(description="seconds that were measured")
    requests: int | None = Field(description="complete answers in the measured part")
    generator_cpu_percent: float | None = Field(description="CPU of the generator, of one CPU")
    generator_lag_p99_us: float | None = Field(description="p99 of how late the generator was")
    drift_percent: float | None = Field(description="change of throughput over the run")
    response_drift_percent: float | None = Field(description="the same of the median response time")
    gave_out: str | None = Field(description="what held the run back first; missing: not recorded")
    errors_connect: int | None = Field(description="connections that could not be made")
    errors_read: int | None = Field(description="answers that were cut off")
    errors_write: int | None = Field(description="requests that could not be written")
    errors_timeout: int | None = Field(description="requests without an answer in time")
    errors_status: int | None = Field(description="answers whose status is not 2xx or 3xx")
    errors_wrong_body: int | None = Field(description="answers with another body than expected")
    counts: bool = Field(description="whether summaries and comparisons take it")
    verdict: str = Field(description="`valid`, `doubtful`, `invalid`, `failed` or `interrupted`")


class Trial(_Where):
    """A row for each figure of each run."""

    run_id: str = Field(description="name of the run's folder")
    trial: int = Field(description="number of the trial")
    asked_rate_rps: float | None = Field(description="requests per second asked; closed loop: none")
    connections: int = Field(description="connections kept open")
    figure: str = Field(description="which figure, with its unit, as `goodput_rps`")
    value: float | None = Field(description="the figure as it is printed")
    at_least: float | None = Field(description="its lower bound; the value, if known exactly")
    at_most: float | None = Field(description="its upper bound; missing if there is none")
    counts: bool = Field(description="whether summaries and comparisons take it")


class Cell(_Where):
    """A row for each figure of each cell (endpoint, app, variant, load), over its trials."""

    app_title: str = Field(description="the app's name in charts")
    generator: str = Field(description="what made the load")
    mode: str = Field(description="`constant_rate` or `saturation` (a closed loop)")
    asked_rate_rps: float | None = Field(description="requests per second asked; closed loop: none")
    arrivals: str | None = Field(description="`constant` or `poisson`; closed loop: none")
    connections: int = Field(description="connections kept open")
    calibration: bool = Field(description="generator on the server itself: never ranked")
    figure: str = Field(description="which figure, with its unit, as `goodput_rps`")
    trials: int = Field(description="trials that were made")
    trials_counted: int = Field(description="trials that the figure is of")
    value: float | None = Field(description="mean of them; of a percentile, that of all merged")
    median: float | None = Field(description="their median; of a percentile, as `value`")
    least: float | None = Field(description="the least trial")
    greatest: float | None = Field(description="the greatest trial")
    ci95_low: float | None = Field(description="95 % interval, lower end")
    ci95_high: float | None = Field(description="its upper end; missing if there is none")
    lower_bound: bool = Field(description="whether response times are only lower bounds")
    gave_out: str | None = Field(description="what held the trials back first")
    verdict: str = Field(description="the worst verdict of these trials")


class FindingRow(Row):
    """A row for each finding of a check, and for each failure."""

    run_id: str = Field(description="name of the run's folder")
    check: str = Field(description="the check, as in method.md; `failure`: the run has no figures")
    verdict: str = Field(description="`valid` (a remark), `doubtful`, `invalid`, `failed` …")
    sentence: str = Field(description="what it saw")


class Second(Row):
    """A row for each second of each run whose generator writes a timeline (pacer)."""

    run_id: str = Field(description="name of the run's folder")
    second: int = Field(description="since the measured part began; negative: of the warm-up")
    phase: str = Field(description="`warmup`, `measured` or `drain`")
    due: int | None = Field(description="requests due in this second")
    sent: int | None = Field(description="requests sent")
    completed: int | None = Field(description="answers completed, of any status")
    ok: int | None = Field(description="correct answers")
    good: int | None = Field(description="correct answers in time")
    errors: int | None = Field(description="errors of all classes")
    response_p50_us: float | None = Field(description="median response time of its answers")
    response_p99_us: float | None = Field(description="p99 of them")
    correct_p50_us: float | None = Field(description="median of correct answers")
    correct_p99_us: float | None = Field(description="p99 of correct answers")
    failed_p50_us: float | None = Field(description="median of failed answers")
    failed_p99_us: float | None = Field(description="p99 of failed answers")
    lag_p99_us: float | None = Field(description="p99 of how late the generator was")


class Part(_Where):
    """A row for each figure of each part of each run of a mix."""

    part: str = Field(description="the endpoint that is part of the mix")
    run_id: str = Field(description="name of the run's folder")
    trial: int = Field(description="number of the trial")
    asked_percent: float | None = Field(description="its share of the requests, by its weight")
    answered_percent: float | None = Field(description="its share of the answers")
    figure: str = Field(description="which figure, with its unit")
    value: float | None = Field(description="the figure")
    verdict: str = Field(description="the run's verdict")


class Capacity(_Where):
    """A row for each search for a capacity."""

    trial: int = Field(description="number of the trial")
    capacity_rps: float | None = Field(description="the rate at which the objective is just met")
    at_least_rps: float | None = Field(description="lower end of its interval")
    below_rps: float | None = Field(description="upper end of its interval")
    ended: str | None = Field(description="why no further probe was made")
    objective_p99_ms: float | None = Field(description="the objective: p99 of response time")
    objective_errors_percent: float | None = Field(description="and the share of errors")
    verdict: str = Field(description="the worst verdict of the probes that decide it")


TABLES: dict[str, type[Row]] = {
    "runs": Run,
    "trials": Trial,
    "cells": Cell,
    "findings": FindingRow,
    "seconds": Second,
    "parts": Part,
    "capacities": Capacity,
}
