"""Define the list that an archive of a campaign begins with."""

from typing import Any, Literal

from testbed.model.base import Model
from testbed.model.results import KeptFile


class Manifest(Model):
    """`manifest.json`: what an archive of a campaign holds (testbed/archive.py).

    It repeats from campaign.json what others need to find and repeat the campaign.
    """

    schema_version: Literal[1]
    campaign: str
    title: str
    experiment: str
    workload: str
    place: Literal["lab", "metal"]
    asked: dict[str, Any]  # the experiment as resolved
    seed: int
    apps: dict[str, str]  # name -> digest of the files that were deployed of it
    workload_digest: str | None
    testbed: dict[str, str]  # git commit, versions on the control side
    files: dict[str, KeptFile]  # all others, by their path in the campaign's folder
