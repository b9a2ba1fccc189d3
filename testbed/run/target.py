"""Say what the generator shall ask, and put the files for that on its host."""

from collections.abc import Mapping
from pathlib import Path

from testbed.asked import requests
from testbed.asked.answers import Answer
from testbed.model.results import RunRecord
from testbed.run.asking import Asker
from testbed.tools.tool import REQUESTS_FILE, Target


def prepare(
    record: RunRecord,
    askers: Mapping[str, Asker],
    found: Mapping[str, Answer],
    remote_folder: str,
    raw: Path,
) -> Target:
    """Return what the generator shall ask, after the files for that are on its host.

    `askers` and `found` have who asks each part of the endpoint, and the verified answer to it.
    The files are written into the run's folder on the generator's host; of a file of requests,
    the folder `raw` keeps a copy.
    """
    if record.requests_seed is not None:
        return _of_file(record, askers, found, f"{remote_folder}/{REQUESTS_FILE}", raw)
    (asker,), (answer,) = askers.values(), found.values()
    endpoint, request = asker.endpoint, asker.template.filled({})
    body_file = None
    if request.body is not None:
        body_file = f"{remote_folder}/body"
        asker.generating.write(body_file, request.body)
    varies = endpoint.varies
    return Target(
        url=record.url,
        method=request.method,
        answer_bytes=endpoint.expect.length if varies else answer.length,
        answer_sha256=None if varies else answer.sha256,
        content_type=request.content_type,
        body_file=body_file,
        seed=record.arrivals_seed,
        headers=request.headers,
        keep_sample=varies,
    )


def _of_file(
    record: RunRecord,
    askers: Mapping[str, Asker],
    found: Mapping[str, Answer],
    remote_file: str,
    raw: Path,
) -> Target:
    """Return the target of a load that asks what stands in a file, after the file is written."""
    text = requests.document(
        [
            requests.Part(
                name=name,
                weight=record.weights.get(name, 1),
                path=asker.path,
                endpoint=asker.endpoint,
                folder=asker.folder,
                answer=found[name],
            )
            for name, asker in askers.items()
        ]
    )
    (raw / REQUESTS_FILE).write_text(text, encoding="utf-8")
    asker = next(iter(askers.values()))
    asker.generating.write(remote_file, text)
    return Target(
        url=f"{asker.url}/",
        requests_file=remote_file,
        seed=record.requests_seed,
        keep_sample=any(one.endpoint.varies for one in askers.values()),
    )
