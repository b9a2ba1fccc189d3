"""Run `reparse`: read the raw outputs that a campaign kept with the parsers of today."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

from analysis.folders import load_one
from analysis.load import LoadedCampaign
from testbed import files, store
from testbed.errors import TestbedError
from testbed.model.results import RUN_FILE, RunRecord
from testbed.model.tool_output import ToolOutput
from testbed.tools import ParseError, parse
from testbed.tools.table import generator

State = Literal["same", "differs", "failed run", "no raw output", "not readable", "edited"]
NOT_JUDGED = (
    "Findings and verdicts are those of when the runs were made: they are not judged anew. "
    "Repeat a run for a verdict on its new figures."
)


@dataclass(frozen=True)
class Reparsed:
    """One run's raw output, read again."""

    record: RunRecord
    state: State
    details: list[str]  # a line for each difference, or the reason why it is not known
    output: ToolOutput | None = None  # as parsed now


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of `reparse`."""
    parser.add_argument(
        "folder", type=files.named, metavar="results/CAMPAIGN", help="a campaign's folder"
    )
    parser.add_argument(
        "--write", action="store_true", help="store the figures that differ in their run.json"
    )


def command(arguments: Namespace, console: Console) -> None:
    """Print for each run what differs and, if asked, store the new figures.

    Raises TestbedError if the folder holds no campaign that can be read.
    """
    campaign = load_one(arguments.folder)
    differing = 0
    for found in reparsed(campaign):
        console.print(Text(f"{found.record.run_id}: {found.state}"), soft_wrap=True)
        for line in found.details:
            console.print(Text(f"  {line}"), soft_wrap=True)
        if found.state == "differs":
            differing += 1
            if arguments.write:
                write_figures(campaign.folder, found)
    console.print(Text(_summary(differing, len(campaign.runs), written=arguments.write)))
    if differing:
        console.print(Text(NOT_JUDGED))


def reparsed(campaign: LoadedCampaign) -> Iterator[Reparsed]:
    """Read each run's raw output again, in the order planned."""
    for run in campaign.runs:
        record = run.record
        if run.edited:  # its figures cannot be traced to what was measured, whatever they are
            yield Reparsed(record, "edited", run.edited)
        else:
            yield reparse(record, campaign.folder / record.run_id / "raw")


def reparse(record: RunRecord, raw: Path) -> Reparsed:
    """Read one run's raw output again; a failed run has no figures, so it is not read."""
    if record.failure is not None or record.output is None:
        why = "" if record.failure is None else f" at '{record.failure.stage}'"
        return Reparsed(record, "failed run", [f"it failed{why} and has no figures"])
    path = raw / generator(record.load.generator).output
    if not path.is_file():
        return Reparsed(record, "no raw output", [f"there is no {raw.name}/{path.name}"])
    try:
        text = files.read(path, files.LARGEST_BYTES).decode(errors="replace")
        output = parse(text, record.load.generator)
    except ParseError as error:
        place = f"{raw.name}/{path.name}:{error.line}"
        return Reparsed(record, "not readable", [f"{place}: {error.what}"])
    except TestbedError as error:  # too large, or not to be read
        return Reparsed(record, "not readable", [error.message])
    changes = differences(record.output, output)
    return Reparsed(record, "differs" if changes else "same", changes, output)


def differences(stored: ToolOutput, now: ToolOutput) -> list[str]:
    """Return a line such as 'latency_us.mean: 2100 -> 2200' for each figure that differs.

    A figure that is missing is written '-'. The list is empty if all figures are equal.
    """
    before, after = (dict(_leaves(one.model_dump())) for one in (stored, now))
    return [
        f"{name}: {_text(before.get(name))} -> {_text(after.get(name))}"
        for name in dict.fromkeys([*before, *after])
        if before.get(name) != after.get(name)
    ]


def write_figures(folder: Path, found: Reparsed) -> None:
    """Replace the figures in a run's run.json, and nothing else in it.

    Raises TestbedError if the file cannot be written.
    """
    record = found.record.model_copy(update={"output": found.output})
    store.write(folder / record.run_id / RUN_FILE, record)


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each figure with its dotted path; an empty table yields nothing."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for position, inner in enumerate(value, start=1):
            yield from _leaves(inner, f"{name}[{position}]")
    else:
        yield name, value


def _text(value: Any) -> str:
    return "-" if value is None else str(value)


def _summary(differing: int, runs: int, *, written: bool) -> str:
    if not differing:
        return f"{runs} runs: no figures differ."
    done = "stored in their run.json" if written else "nothing is stored (--write stores them)"
    return f"{runs} runs: figures of {differing} differ; {done}."
