"""Check that a generator can carry out each load of an experiment or article.

A problem is raised as a ValidationError, with its place in the document, so that it reads like a
problem that the models themselves have found.
"""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import InitErrorDetails

from testbed.model.article import Article
from testbed.model.base import wrong
from testbed.model.experiment import Experiment, LoadSpec
from testbed.tools import generators


def check(experiment: Experiment) -> None:
    """Raise ValidationError if the named generator does not exist or cannot carry out the load."""
    _raise("Experiment", _problems(experiment.load, ("load",)))


def check_article(article: Article) -> None:
    """Raise ValidationError with the problems of every part's load."""
    _raise(
        "Article",
        (
            problem
            for mode, asked in (("as_published", article.as_published), ("fair", article.fair))
            for name, part in asked.parts.items()
            for problem in _problems(part.load, (mode, "parts", name, "load"))
        ),
    )


def _problems(load: LoadSpec, place: tuple[str, ...]) -> Iterator[InitErrorDetails]:
    if problem := generators.unknown(load):
        yield _detail(problem, (*place, "generator"), load.generator)
    elif problem := generators.misfit(load):
        yield _detail(problem, (*place, "generator"), load)


def _detail(problem: str, place: tuple[str, ...], found: object) -> InitErrorDetails:
    return InitErrorDetails(type=wrong(problem), loc=place, input=found)


def _raise(title: str, problems: Iterator[InitErrorDetails]) -> None:
    if found := list(problems):
        raise ValidationError.from_exception_data(title, found)
