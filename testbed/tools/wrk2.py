"""wrk2: constant rate; takes wrk's options and -R. Its report is read in wrk_report.py."""

from collections.abc import Sequence

from testbed.tools import wrk_report
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.wrk import Wrk


class Wrk2(Wrk):
    """wrk2. Its latencies count from when a request was due. It does not count what it never sent,
    or what was never answered; that is what is missing of rate times duration.
    """

    name = wrk_report.WRK2
    package = None  # built from its source: roles/wrk2
    refusals = (r"Throughput MUST be .*",)
    saturates = False
    holds_a_rate = True
    whole_rates = True
    from_due = True

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """All runs, also those that look like wrk's: a plain report shows no difference."""
        return [
            Found(run.line, run.output.model_copy(update={"tool": self.name}))
            for run in wrk_report.find(lines)
        ]
