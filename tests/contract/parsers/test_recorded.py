"""What the tools really print, and what is read from it (index.yml, expected.yml)."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from testbed.tools import ParseError, parse, parse_all

HERE = Path(__file__).parent
INDEX: dict[str, Any] = yaml.safe_load((HERE / "index.yml").read_text())
EXPECTED: dict[str, Any] = yaml.safe_load((HERE / "expected.yml").read_text())
FILES = {path.stem: path for path in (HERE / "fixtures").iterdir()}
REFUSED = {name for name, entry in EXPECTED.items() if "error" in entry}


def text_of(name: str) -> str:
    # As recorded, not a byte changed: no translation of newlines.
    return FILES[name].read_bytes().decode()


def assert_fits(actual: Any, expected: Any, where: str) -> None:
    """Each figure that is expected is there; floats but for rounding."""
    if isinstance(expected, dict):
        for key, value in expected.items():
            assert key in actual, f"{where}.{key} is missing"
            assert_fits(actual[key], value, f"{where}.{key}")
        if not expected:
            assert actual == {}, where
    elif isinstance(expected, list):
        assert len(actual) == len(expected), where
        for number, value in enumerate(expected):
            assert_fits(actual[number], value, f"{where}[{number}]")
    elif isinstance(expected, float):
        assert actual == pytest.approx(expected, rel=1e-6), where
    else:
        assert actual == expected, where


@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - REFUSED))
def test_figures_are_those_in_the_text(name: str) -> None:
    outputs = parse_all(text_of(name))
    runs = EXPECTED[name]
    assert len(outputs) == len(runs)
    for output, expected in zip(outputs, runs, strict=True):
        sentences = expected.pop("problems", [])
        assert len(output.problems) == len(sentences), output.problems
        for said, part in zip(output.problems, sentences, strict=True):
            assert part in said
        assert_fits(output.model_dump(), expected, name)


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_texts_without_figures_are_refused_in_the_tools_words(name: str) -> None:
    error = EXPECTED[name]["error"]
    with pytest.raises(ParseError) as caught:
        parse(text_of(name))
    assert caught.value.line == error["line"]
    assert error["text"] in caught.value.what


def test_every_file_says_what_made_it_and_what_is_in_it() -> None:
    beside = {Path(entry["beside"]["file"]).stem for entry in INDEX.values() if "beside" in entry}
    assert FILES.keys() == INDEX.keys() | beside == EXPECTED.keys()
    origins = {"captured", "recorded", "article", "composed", "reported"}
    assert {entry["origin"] for entry in INDEX.values()} == origins
    assert all(entry["command"] for entry in INDEX.values())


@pytest.mark.parametrize("name", sorted(name for name in EXPECTED.keys() - REFUSED))
def test_the_tool_is_recognised(name: str) -> None:
    """Told which tool it was, the parser finds the same runs as by itself."""
    text = text_of(name)
    outputs = parse_all(text)
    for tool in {output.tool for output in outputs}:
        assert parse_all(text, tool) == [output for output in outputs if output.tool == tool]
    if name.startswith("wrk2"):
        with pytest.raises(ParseError, match="this is wrk2's output"):
            parse_all(text, "wrk")


SURROUNDINGS = {
    "CRLF": lambda text: text.replace("\n", "\r\n"),
    "byte order mark": lambda text: "\ufeff" + text,
    "indented": lambda text: "".join(f"\t    {line}" for line in text.splitlines(keepends=True)),
    "quoted": lambda text: "".join(f"> > {line}" for line in text.splitlines(keepends=True)),
    "fenced": lambda text: f"# Results\n\nWe ran it:\n\n```console\n{text}```\n\nGood, isn't it?\n",
    "prose": lambda text: (
        f"wrk hits as fast as possible.\nLatency: see below\n{text}\nThat's all.\n"
    ),
    "no last newline": lambda text: text.removesuffix("\n"),
    "in HTML": lambda text: f"<pre class='x'><code>{text.rstrip()}</code></pre>\n",
    "in HTML's lines": lambda text: text.replace("\n", "<br/>\n"),
    "copied from a browser": lambda text: text.replace("  ", " \N{NO-BREAK SPACE}"),
    "recorded": lambda text: (
        "\x1b]0;user@host: ~\x07" + text.replace("\n", "\x1b[?2004l\x1b(B\x1b[m\r\n")
    ),
    "coloured": lambda text: text.replace("\n", "\x1b[0m\n"),
}


@pytest.mark.parametrize("around", SURROUNDINGS)
@pytest.mark.parametrize("name", sorted(EXPECTED.keys() - REFUSED))
def test_surroundings_do_not_matter(name: str, around: str) -> None:
    text = text_of(name)
    outputs = parse_all(SURROUNDINGS[around](text))
    if around == "no last newline" and name in ENDS_IN_A_FIGURE:
        assert outputs[0].latency_us.max is None  # it may have lost digits
        assert "latency" in outputs[0].problems[0]
    else:
        assert outputs == parse_all(text)


ENDS_IN_A_FIGURE = {"ab-one", "ab-no-percentiles", "ab-annotated"}
