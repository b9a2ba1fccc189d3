"""List all measuring tools. A new one needs a file below testbed/tools/ and a row here.

The testbed runs some of them, and reads the output of all.
"""

from testbed.errors import TestbedError
from testbed.model.load import Load
from testbed.texts import shown
from testbed.tools.ab import Ab
from testbed.tools.bombardier import Bombardier
from testbed.tools.h2load import H2load
from testbed.tools.hey import Hey
from testbed.tools.iperf import Iperf
from testbed.tools.iperf3 import Iperf3
from testbed.tools.k6 import K6
from testbed.tools.oha import Oha
from testbed.tools.pacer import Pacer
from testbed.tools.tool import Generator, InstalledTool, Tool
from testbed.tools.vegeta import Vegeta
from testbed.tools.wrk import Wrk
from testbed.tools.wrk2 import Wrk2

# By name. `generator: auto` takes the first one that it may take, that fits the load and that is
# installed
GENERATORS: dict[str, Generator] = {
    one.name: one for one in (Wrk(), Wrk2(), Pacer(), Ab(), H2load(), Hey())
}
LINK_TOOL = Iperf()  # measures the data link
INSTALLED: tuple[InstalledTool, ...] = (*GENERATORS.values(), LINK_TOOL)
# Only read, for whoever brings results from elsewhere: the testbed neither installs nor runs them
FOREIGN: tuple[Tool, ...] = (Bombardier(), Iperf3(), K6(), Oha(), Vegeta())
# All whose output can be read, by name
TOOLS: dict[str, Tool] = {one.name: one for one in (*INSTALLED, *FOREIGN)}


def counts_from_due(load: Load) -> bool:
    """Return whether a run's response times begin when a request was due, not when it was sent.

    In a closed loop no request is due before it is sent.
    """
    one = GENERATORS.get(load.generator)
    return one is not None and one.from_due and load.rate_rps is not None


def generator(name: str) -> Generator:
    """Return the generator of a name from results. Raises TestbedError if the name is unknown."""
    if name not in GENERATORS:
        raise TestbedError(
            f"there is no generator {shown(name)}; known: {', '.join(GENERATORS)}",
            remedy="these results are edited, or of a newer version of the testbed",
        )
    return GENERATORS[name]
