"""The examples of requests and answers in docs/apps.md are taken as they stand."""

import re
from pathlib import Path

import pytest
import yaml

from testbed.model.endpoint import Endpoint

PAGE = Path(__file__).resolve().parents[3] / "docs" / "apps.md"
BLOCKS = re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
EXAMPLES = [
    example
    for block in BLOCKS
    if "expect:" in block
    for example in re.split(r"^(?=\w+:)", block, flags=re.MULTILINE)
    if example
]


def test_there_are_examples():
    assert len(EXAMPLES) > 8


@pytest.mark.parametrize("text", EXAMPLES)
def test_an_example_is_taken(text):
    whole = text.replace("expect: …", "expect: {text: a}").replace("5e1f…", "ab" * 32)
    ((name, told),) = yaml.safe_load(whole).items()
    asked = {"description": "d", "expect": told} if name == "expect" else told
    assert Endpoint.model_validate(asked)
