"""Carry out the runs of a campaign one after the other, and keep campaign.json up to date."""

import functools
import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from testbed import store
from testbed.asked import capacity
from testbed.asked.plan import plan
from testbed.campaign.words import capacity_text, summary
from testbed.hosts.delay import Delayed
from testbed.model.campaign import Campaign, Until
from testbed.model.experiment import Capacity, PlannedRun
from testbed.model.results import CAMPAIGN_FILE, RunRecord
from testbed.run.run import execute
from testbed.run.session import Session

OVERHEAD_S = 7  # expected time of a run besides its load, until the first run has shown it


@dataclass(frozen=True)
class Watch:
    """What analysis finds in a campaign with `until`, of which this package knows nothing."""

    check: Callable[[list[str]], None]  # raises TestbedError for a figure that does not exist
    trials_needed: Callable[[Path], int]  # by the first trials in the campaign's folder
    told: Callable[[Path], str]  # the ratios with their intervals, as text


@dataclass
class Course:
    """A campaign under way: what is finished, and what campaign.json says."""

    session: Session
    campaign: Campaign
    done: dict[str, RunRecord]
    delayed: Delayed | None = None  # the link's delay, if the experiment asks for one
    made: list[RunRecord] = field(default_factory=list)  # by now, not before a resume
    last_s: float | None = None  # how long the last run took, in seconds

    def make_all(self, planned: Sequence[PlannedRun]) -> None:
        """Carry out runs in their order, and show how long they take."""
        spec, progress = self.session.experiment.load, self.session.progress
        expected_s = spec.warmup_s + spec.duration_s + OVERHEAD_S
        most = capacity.longest(spec.capacity) if spec.capacity else 1
        with progress.campaign(len(planned) * most * expected_s):
            for number, run in enumerate(planned, start=1):
                where = functools.partial(self._where, number, len(planned), most, expected_s)
                if spec.capacity:
                    self.search(spec.capacity, run, where)
                else:
                    self.make(run, where(1))
                progress.reached(number / len(planned))

    def _where(self, number: int, of: int, most: int, expected_s: float, probe: int) -> str:
        """Return which run or search of the campaign begins, and how long all of it still takes.

        A search has `most` probes at most, and mostly fewer.
        """
        left_s = ((of - number) * most + max(most - probe + 1, 1)) * (self.last_s or expected_s)
        if most == 1:
            return f"[{number}/{of}, about {left_s / 60:.1f} min left]"
        probes = f"probe {probe} of {most} at most"
        return f"[{number}/{of}, {probes}, {left_s / 60:.1f} min left at most]"

    def go_on(self, asked: Until, watch: Watch, first: Sequence[PlannedRun]) -> None:
        """Carry out as many more trials as the first ones show to be needed, once."""
        trials = watch.trials_needed(self.session.folder)
        experiment = self.session.experiment.model_copy(update={"trials": trials})
        # Orders of more trials begin with those of fewer (testbed/asked/order.py)
        more = plan(experiment, self.session.catalogue, self.campaign.seed)[len(first) :]
        self.session.progress.say(
            f"the first {asked.first_trials} trials show that {trials} are "
            + (f"needed; {asked.most_trials} are the most" if more else "enough")
        )
        if more:
            runs = dict.fromkeys([*self.campaign.runs, *(run.run_id for run in more)])
            self._update(runs=list(runs))
            self.make_all(more)

    def make(self, run: PlannedRun, where: str) -> RunRecord:
        """Carry out a run, unless it is finished already; say first where in the campaign it is."""
        if run.run_id in self.done:
            return self.done[run.run_id]
        self.session.progress.say(f"{where} {run.run_id}")
        begin = time.monotonic()
        record = execute(self.session, run)
        if self.delayed and not self.delayed.is_there():
            shutil.rmtree(self.session.folder / run.run_id)  # it is not known when the delay ended
            raise self.delayed.loss()
        self.last_s = time.monotonic() - begin
        self.done[run.run_id] = record
        self.made.append(record)
        self.session.progress.say(f"  {summary(record)}")
        return record

    def search(self, limits: Capacity, first: PlannedRun, where: Callable[[int], str]) -> None:
        """Search the capacity of a cell. Each probe is a run that campaign.json lists.

        `where` says where in the campaign a probe is, by its number.

        If a probe fails, the cell has no answer, and the other cells go on.
        """
        records: list[RunRecord] = []
        for run in capacity.search(limits, first, first.load.at, records):
            if run.run_id not in self.campaign.runs:
                runs = [*self.campaign.runs, run.run_id]
                self._update(runs=runs)
            records.append(self.make(run, where(len(records) + 1)))
            if records[-1].failure:
                self.session.progress.say("  capacity: no answer; --resume repeats this probe")
                return
        result = capacity.result(limits, first, records)
        kept = [one for one in self.campaign.capacities if one.runs[:1] != result.runs[:1]]
        self._update(capacities=[*kept, result])
        self.session.progress.say(f"  capacity: {capacity_text(result)}")

    def _update(self, **changes: Any) -> None:
        self.campaign = self.campaign.model_copy(update=changes)
        store.write(self.session.folder / CAMPAIGN_FILE, self.campaign)
