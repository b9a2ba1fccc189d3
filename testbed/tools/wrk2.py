"""Call wrk2: a constant rate. It takes wrk's options and -R. wrk_report.py reads its report."""

from collections.abc import Sequence

from testbed.tools import wrk_report
from testbed.tools.found import Found
from testbed.tools.lines import Line
from testbed.tools.wrk import KNOWN_METHODS, Wrk


class Wrk2(Wrk):
    """wrk2. Its latencies begin when a request was due.

    It does not count requests that it never sent or that were never answered. Their number is the
    difference between rate times duration and the printed number of requests.
    """

    name = wrk_report.WRK2
    package = None  # built from its source: roles/wrk2
    refusals = (r"Throughput MUST be .*",)
    saturates = False
    holds_a_rate = True
    taken_by_auto = True
    whole_rates = True
    least_rps = 1
    from_due = True
    methods = frozenset(KNOWN_METHODS)
    adds_samples = False
    late_answers_time_out = False  # it counts connections that wait, again and again

    def find_own(self, lines: Sequence[Line]) -> list[Found]:
        """Return all runs, also those that look like wrk's, as a report without details does."""
        return wrk_report.find(lines, self.name)
