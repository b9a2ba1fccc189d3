"""The questions that pages show as examples are sound files, and so are those that they name."""

import pytest
import yaml
from markdown_pages import DOCS

from testbed.model.question import QuestionFile

PAGES = ("questions.md", "own-app.md")


def shown(page):
    """The files of questions in a page's fenced blocks."""
    blocks = (DOCS / page).read_text().split("```yaml\n")[1:]
    texts = [block.partition("```")[0] for block in blocks]
    return [text for text in texts if "\nbaseline: " in text]


@pytest.mark.parametrize("page", PAGES)
def test_a_question_that_a_page_shows_is_a_sound_file(page):
    (text,) = shown(page)
    assert QuestionFile.model_validate(yaml.safe_load(text)).stacks
