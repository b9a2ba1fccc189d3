"""Define the answer to what held a run back."""

from typing import Literal

from testbed.model.base import Model

Limiting = Literal[
    "nothing",
    "one_core",
    "all_cores",
    "workers",
    "pool",
    "database",
    "upstream",
    "listen_queue",
    "link",
    "generator",
    "unknown",
]

# What each means, in a sentence; docs/method.md has them as a table (script/docs)
MEANINGS: dict[Limiting, str] = {
    "nothing": "the rate asked was answered in full",
    "one_core": "one process, or the work on one CPU, took a whole core while others idled",
    "all_cores": "all CPUs of the server were in use, or the app's CPU quota, mostly not by the "
    "database",
    "workers": "requests waited for a free worker or thread while CPUs idled",
    "pool": "requests waited in the app for a connection of a pool that was wholly in use",
    "database": "the database took the CPUs, its sessions waited for each other or for disks, or "
    "nearly all requests were in it",
    "upstream": "nearly all requests waited for the other service",
    "listen_queue": "connections found the listen queue full although workers were free",
    "link": "the data link was full",
    "generator": "the generator was late or out of CPU time: the server could have done more",
    "unknown": "nothing that is measured was exhausted, or too little was measured to tell",
}


class GaveOut(Model):
    """What held a run back, and what shows it."""

    what: Limiting
    sentence: str

    @property
    def words(self) -> str:
        """Return `what` as it stands in tables: 'one core'."""
        return self.what.replace("_", " ")
