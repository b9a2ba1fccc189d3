"""Check the answers that a generator kept during a load."""

from collections.abc import Mapping
from pathlib import Path

from testbed import files
from testbed.asked import expectations, sample
from testbed.hosts.failures import NotAnAnswer
from testbed.model.results import AnswerCheck
from testbed.run.asking import Asker


def check(path: Path, askers: Mapping[str, Asker]) -> dict[str, AnswerCheck]:
    """Compare a sample of answers with what each part is expected to answer.

    Return one check for each part that it has answers of, and none if no sample was kept. Raises
    NotAnAnswer if the file is no sample, and TestbedError if it cannot be read.
    """
    if not path.exists():
        return {}
    expected = {
        part: expectations.read(asker.folder, asker.endpoint.expect)
        for part, asker in askers.items()
    }
    # Without a file of requests the generator has no name for the only one that it asks
    (only, *others) = expected
    nameless = {} if others else {"": expected[only]}
    try:
        found = sample.check(files.read_text(path, sample.MOST_BYTES), expected | nameless)
    except ValueError as error:
        host = askers[only].generating.host
        raise NotAnAnswer(host, "generator --sample", str(error)) from error
    return {name or only: one for name, one in found.items()}
