"""Make the campaign of a question whose capacities are known, as `fab run-question` writes it."""

from testbed.model.campaign import CapacityResult
from testbed.model.gave_out import GaveOut
from testbed.model.question import UPSTREAM, PlannedStack, QuestionCell, QuestionPlan, point_text
from testbed.model.results import Cost
from tests.unit.report import builder

POINTS = [0.0, 10.0, 50.0, 200.0]
LOAD = {
    "mode": "capacity", "connections": 4000, "threads": 2, "duration_s": 10, "timeout_s": 10,
    "capacity": {"from_rps": 100, "to_rps": 9000, "p99_ms": 500, "errors_percent": 0.1},
}  # fmt: skip


def plan(stacks=("threads", "tasks"), points=POINTS, swept=UPSTREAM, more_of=None, **other):
    """Return the plan of a question about these stacks; the first is the baseline.

    `more_of` has the stack that another one is with more of something, by the other's name.
    """
    cells = [
        QuestionCell(
            stack=stack,
            point=point,
            variant=f"{stack}_{point_text(point)}".replace(".", "_"),
            settings={"workers": 2} if swept == UPSTREAM else {swept: point},
        )
        for point in points
        for stack in stacks
    ]
    values = {
        "name": "async", "title": "Should we move to async?", "decision": "Stay, or move.",
        "scale": "full", "swept": swept,
        "distribution": "constant" if swept == UPSTREAM else None,
        "points": points, "baseline": stacks[0], "cells": cells,
        "stacks": [
            PlannedStack(
                name=stack, app=f"{stack}_app", title=stack.capitalize(), reason="So it is.",
                more_of=(more_of or {}).get(stack),
            )
            for stack in stacks
        ],
    }  # fmt: skip
    return QuestionPlan(**(values | other))


def write(
    folder,
    asked,
    capacity,
    cpu_ms=lambda *at: 2.0,
    gave_out=lambda *at: None,
    trials=4,
    asked_of=None,
    findings=lambda *at: [],
    **about,
):
    """Write the campaign and return its folder.

    `capacity` and `cpu_ms` give a figure by stack, point and trial. A capacity of None is a search
    in which no rate met the objective. `asked_of` is what the record says of the experiment.
    `findings` are doubts about a trial's probes.
    """
    records, answers = [], []
    for trial in range(1, trials + 1):
        for cell in asked.cells:
            rate = capacity(cell.stack, cell.point, trial)
            found = []
            for share, verdict in ((0.9, "valid"), (1.1, "valid")):
                due = (rate or 10) * share
                figures = builder.output(rate_rps=due, throughput_rps=due, goodput_rps=due)
                made = builder.run(
                    len(records) + 1, asked.stack(cell.stack).app, "upstream", trial=trial,
                    variant=cell.variant, title=cell.stack.capitalize(), settings=cell.settings,
                    figures=figures, verdict=verdict, rate_rps=due, duration_s=10.0,
                )  # fmt: skip
                cost = Cost(
                    app_ms_per_s=cpu_ms(cell.stack, cell.point, trial) * due, kernel_ms_per_s=0,
                    memory_peak_bytes=80e6,
                )  # fmt: skip
                what = gave_out(cell.stack, cell.point, trial) if share > 1 else "nothing"
                held = what and GaveOut(what=what, sentence="So it is.")
                doubts = findings(cell.stack, cell.point, trial)
                told = {"findings": doubts, "verdict": "doubtful"} if doubts else {}
                records.append(made.model_copy(update={"cost": cost, "gave_out": held} | told))
                found.append(made.run_id)
            answers.append(
                CapacityResult(
                    app=asked.stack(cell.stack).app, endpoint="upstream", variant=cell.variant,
                    trial=trial, at_least_rps=None if rate is None else 0.97 * rate,
                    below_rps=10 if rate is None else 1.03 * rate, capacity_rps=rate,
                    ended="no rate met" if rate is None else "narrow enough", runs=found,
                )
            )  # fmt: skip
    values = {
        "question": asked, "capacities": answers, "workload": "service", "experiment": "async",
        "asked": asked_of or {"trials": trials, "endpoints": ["upstream"], "load": LOAD},
    }  # fmt: skip
    return builder.write(
        folder, builder.campaign(records, **(values | about)), records, curves=False
    )
