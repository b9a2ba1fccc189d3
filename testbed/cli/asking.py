"""Define the task that asks a question: read its options, make its plan, carry it out."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from invoke.context import Context
from pydantic import Field

from testbed import store
from testbed.asked import catalogue as catalogues
from testbed.asked import questions, yamlfile
from testbed.asked.plan import plan
from testbed.campaign import campaign
from testbed.cli import measuring, options, show, tasks
from testbed.errors import TestbedError
from testbed.hosts import inventory
from testbed.model.article import Scale
from testbed.model.base import Model
from testbed.model.experiment import Experiment
from testbed.model.kinds import Seed, Trials
from testbed.model.question import QuestionPlan, point_text
from testbed.progress import Progress
from testbed.terminal import Terminal

# Prints the answers of the campaign in a folder, and returns the exit code
ShowAnswers = Callable[[Path], int]


class QuestionOptions(Model):
    """The options of `fab run-question`, besides the question."""

    stacks: options.Names | None = Field(
        None, description="stacks of the question, or apps of its workload, separated by commas"
    )
    endpoints: options.Names | None = Field(None, description="names separated by commas")
    points: options.Names | None = Field(
        None, description="latencies in ms, or values of what is swept; default: the scale's"
    )
    scale: Scale = Field("full", description="full, or small: short runs, to try it out")
    trials: Trials | None = Field(None, description="how often each search is made")
    seed: Seed | None = Field(None, description="decides the order of runs; default: random")
    inventory: options.PathName | None = Field(None, description=options.INVENTORY_HELP)
    resume: options.PathName | None = Field(None, description="folder of a campaign to go on with")
    apps_path: options.PathName | None = Field(
        None, description="a folder with your own apps, laid out as apps/"
    )
    dry_run: bool = Field(False, description="print the plan, touch no host")
    strict: bool = Field(False, description="exit code 5 unless every run is valid")
    quiet: bool = Field(False, description="print results only")

    @property
    def choice(self) -> questions.Choice:
        """Return what the user chose of the question."""
        return questions.Choice(self.scale, self.stacks, self.endpoints, self.points, self.trials)


GO_WITH_RESUME = {"resume", "inventory", "strict", "quiet"}


def read(given: dict[str, Any]) -> QuestionOptions:
    """Return typed options. Raises TestbedError, which names each wrong option."""
    found = options.typed(QuestionOptions, given)
    if found.resume is not None:
        usual = options.defaults(QuestionOptions)
        fixed = found.model_dump(exclude=GO_WITH_RESUME)
        changed = [name for name, value in fixed.items() if value != usual[name][0]]
        if changed:
            raise TestbedError(
                "--resume goes on with a campaign as it was begun; it does not go with "
                + ", ".join(map(options.option_name, changed))
            )
    return found


def asking(doc: str, show_answers: ShowAnswers) -> tasks.Task:
    """Return a task that asks a question, and ends with the exit code of `show_answers`."""

    def body(context: Context, question: str, **given: Any) -> None:
        ask(question, read(given), show_answers)

    return tasks.with_options(body, "run_question", doc, ["question"], QuestionOptions)


def ask(name: str, given: QuestionOptions, show_answers: ShowAnswers) -> None:
    """Carry out or resume a question's searches, or only print the plan with --dry-run."""
    progress = Progress(Terminal(), quiet=given.quiet)
    if given.resume is not None:
        outcome = measuring.resumed_as("question", given.resume, given.inventory, progress)
    else:
        path = questions.find(name)
        question = questions.load(path)
        with yamlfile.placed(path):
            catalogue = catalogues.load(given.apps_path)
            experiment, asked = questions.planned(path.stem, question, given.choice, catalogue)
            runs = plan(experiment, catalogue, given.seed or 0)
        progress.result(question_text(asked, experiment))
        if given.dry_run:
            progress.result(show.plan_text(experiment, runs))
            return
        request = campaign.Request(
            path.stem, experiment, [], given.seed, inventory.load(given.inventory), store.folder(),
            apps_path=given.apps_path, question=asked,
            folder_name=store.dated(f"question-{path.stem}", datetime.now(UTC)),
        )  # fmt: skip
        outcome = campaign.run(request, progress)
    progress.result(show.outcome_text(outcome))
    measuring.end([outcome], show_answers(outcome.folder), strict=given.strict)


def question_text(asked: QuestionPlan, experiment: Experiment) -> str:
    """Return what is asked: of which stacks, why they are served so, at which points."""
    what = "a latency of the other service of" if asked.of_latency else f"{asked.swept} ="
    unit = " ms" if asked.of_latency else ""
    points = ", ".join(map(point_text, asked.points))
    lines = [
        f"question {asked.name}: {asked.title}",
        show.wrapped(f"endpoints {', '.join(experiment.endpoints)}, at {what} {points}{unit}"),
    ]
    for stack in asked.stacks:
        served = {
            point_text(cell.point): cell.settings
            for cell in asked.cells
            if cell.stack == stack.name
        }
        lines.append(show.wrapped(f"  {stack.name} ({stack.app}): {stack.reason.strip()}", "    "))
        for setting, reason in stack.follows.items():
            told = ", ".join(f"{of[setting]} at {point}" for point, of in served.items())
            lines.append(show.wrapped(f"    {setting}: {told}. {reason.strip()}", "      "))
    return "\n".join(lines)
