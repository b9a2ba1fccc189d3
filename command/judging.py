"""Judge campaigns for those who measure them: testbed/ itself knows nothing of analysis/.

The libraries of analysis/ take a second to import, so each function imports what it needs.
"""

from pathlib import Path
from types import ModuleType

from testbed.campaign.course import Watch


def judge(folder: Path | None, given: list[str]) -> int:
    """Print the verdicts on two versions; without a folder, only check the options."""
    from analysis.__main__ import main
    from analysis.compared.command import check_options

    if folder is None:
        check_options(given)
        return 0
    return main(["compare", str(folder), *given])


def agree(original: Path, again: Path | None, given: list[str]) -> int:
    """Print which figures of a repeated campaign agree; without one, only check the options."""
    from analysis.__main__ import main
    from analysis.compared.command import check_options

    if again is None:
        check_options(given)
        return 0
    return main(["compare", str(original), str(again), *given])


def noise(folder: Path) -> int:
    """Print how much the figures of an app against itself vary."""
    from analysis.__main__ import main

    return main(["noise", str(folder)])


def why(folder: Path) -> int:
    """Print the share of each factor in which two apps differ."""
    from analysis.__main__ import main

    return main(["why", str(folder)])


def question(folder: Path) -> int:
    """Print the answers to the question that a campaign was made for."""
    from analysis.__main__ import main

    return main(["question", str(folder)])


def _until() -> ModuleType:
    from analysis.compare import until

    return until


WATCH = Watch(
    check=lambda metrics: _until().check(metrics),
    trials_needed=lambda folder: int(_until().trials_needed(folder)),
    told=lambda folder: str(_until().told(folder)),
)
