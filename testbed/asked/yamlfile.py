"""Read a YAML file into a model; errors name file, line and key.

Only the YAML that people write by hand is accepted: texts, numbers, true and false, lists, mappings
whose keys are texts, anchors and merges. Input that could grow without end, or whose meaning
differs from its appearance, is refused.
"""

import difflib
import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from yaml._yaml import CParser  # in all of PyYAML's wheels
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from testbed import files
from testbed.errors import Place, TestbedError
from testbed.numbers import written_out
from testbed.texts import is_plain, shown, shown_name

M = TypeVar("M", bound=BaseModel)

MOST_BYTES = 256 * 1024  # nine times the project's longest file; PyYAML reads it in seconds
MOST_DEPTH = 20  # the models are 8 deep
MOST_NODES = 50_000  # with every alias expanded: a few bytes could stand for gigabytes
MOST_PROBLEMS = 20  # shown for one file at most
# A surrogate (Unicode, 3.9), which only an escape such as \ud83d stands for, and no file can hold
HALF = re.compile("[\ud800-\udfff]")
_UNQUOTED = re.compile(r"(?:^|[:-]\s)\s*[{\[][^{}\[\]]*[}\]]\s*[^\s,}\]#]")  # {venv}/bin/python
_OCTAL = re.compile(r"[-+]?0[0-9_]+")
_STRING = "tag:yaml.org,2002:str"
_MERGE = "tag:yaml.org,2002:merge"


def load(path: Path, model: type[M], check: Callable[[M], None] = lambda _: None) -> M:
    """Return the file's content as `model`.

    `check` raises ValidationError for errors that the model cannot know. Raises TestbedError, which
    names file, line, key and the most similar known key, if the file is missing, is not plain text,
    is not YAML, or does not fit the model.
    """
    tree, data = _read(path)
    try:
        found = model.model_validate(data)
        check(found)
        return found
    except ValidationError as error:
        problems = error.errors()
        lines = [_validation_problem(path, tree, model, item) for item in problems[:MOST_PROBLEMS]]
        if len(problems) > MOST_PROBLEMS:
            lines.append(f"{shown_name(path)}: {len(problems) - MOST_PROBLEMS} more of the kind")
        raise TestbedError("\n".join(lines)) from error


def _read(path: Path) -> tuple[yaml.Node | None, Any]:
    """Return the file's nodes, which know their lines, and its content. An empty file has None."""
    text = files.read_text(path, MOST_BYTES)
    with suppress(yaml.YAMLError):
        return _FastLoader(text).whole()
    try:  # PyYAML's own parser says what is wrong in better words
        return _Loader(text).whole()
    except yaml.YAMLError as error:
        problem = _yaml_problem(error, text)
        raise TestbedError(f"{shown_name(path)}: not valid YAML: {problem}") from error


@contextmanager
def placed(path: Path, *place: str | int) -> Iterator[None]:
    """Add file, line and key to an error raised in the block.

    `place` leads to what the block is about, and the error may lead further from there. An error
    without any place is raised as it is.
    """
    try:
        yield
    except TestbedError as error:
        where = (*place, *error.place)
        if not where:
            raise
        raise TestbedError(
            f"{_named(path, _read(path)[0], where)}: {error.message}",
            remedy=error.remedy,
            exit_code=error.exit_code,
        ) from error


def _named(path: Path, tree: yaml.Node | None, place: Sequence[str | int]) -> str:
    """Return file, line and key of a place in a file."""
    key = ".".join(shown_name(part) for part in place) or "(the whole file)"
    return f"{shown_name(path)}:{_line_of(tree, place)}: {key}"


def _refused(problem: str, mark: Any) -> yaml.MarkedYAMLError:
    return yaml.MarkedYAMLError(problem=problem, problem_mark=mark)


class _Limited(Composer, SafeConstructor, Resolver):
    """What PyYAML makes of a parser's events, with limits."""

    _depth = 0
    _nodes = 0  # with every alias expanded

    def __init__(self) -> None:
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._sizes: dict[str, int] = {}  # by anchor, once its node is complete

    def whole(self) -> tuple[yaml.Node | None, Any]:
        """Return the document's nodes and its content; both are None if it is empty.

        Raises YAMLError if it is not taken.
        """
        tree = self.get_single_node()
        return tree, None if tree is None else self.construct_document(tree)

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Return the next node, as PyYAML composes it (never None), and count it.

        Raises YAMLError if a limit is passed.
        """
        event: Any = self.peek_event()  # type: ignore[attr-defined] # the parser's
        anchor: str | None = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            if anchor in self.anchors and anchor not in self._sizes:
                raise _refused(f"'{shown_name(anchor)}' contains itself", event.start_mark)
            self._nodes += self._sizes.get(anchor or "", 0)
        elif getattr(event, "tag", None) is not None:
            raise _refused("tags (!...) are not taken", event.start_mark)
        before, self._nodes = self._nodes, self._nodes + 1
        if self._nodes > MOST_NODES:
            raise _refused(f"holds more than {MOST_NODES:,} values", event.start_mark)
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise _refused(f"nested more than {MOST_DEPTH} deep", event.start_mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        if anchor is not None and not isinstance(event, yaml.AliasEvent):
            self._sizes[anchor] = self._nodes - before
        if isinstance(node, yaml.MappingNode) and not isinstance(event, yaml.AliasEvent):
            _check_keys(node)
        return node

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> Any:
        """Return a scalar's text.

        Raises YAMLError if YAML would read another value than the text looks like.
        """
        value = super().construct_scalar(node)
        if isinstance(value, str) and HALF.search(value):
            raise _refused(f"{shown(value)} holds half of a character", node.start_mark)
        kind = str(node.tag).rpartition(":")[2]
        if kind == "timestamp":
            raise _refused(f"{shown(value)} is a date: put it into quotes", node.start_mark)
        if kind in ("int", "float") and isinstance(value, str):
            if ":" in value or _OCTAL.fullmatch(value):
                hint = "would become another number: write it without : and leading 0, or quoted"
                raise _refused(f"{shown(value)} {hint}", node.start_mark)
            if len(value) > 100:
                raise _refused("a number of more than 100 digits", node.start_mark)
        return value


class _Loader(_Limited, yaml.SafeLoader):
    """With PyYAML's own parser."""

    def __init__(self, text: str) -> None:
        yaml.SafeLoader.__init__(self, text)
        _Limited.__init__(self)


class _FastLoader(_Limited, CParser):
    """With libyaml's parser: a quarter of the time."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        _Limited.__init__(self)


def _check_keys(node: yaml.MappingNode) -> None:
    """Raise YAMLError for a repeated key, which PyYAML would accept, or a key that is no text."""
    seen = set()
    for key, _ in node.value:
        if not isinstance(key, yaml.ScalarNode):
            problem = "a key is a list or mapping; a text that begins with { or [ takes quotes"
            raise _refused(problem, key.start_mark)
        if key.tag not in (_STRING, _MERGE):
            problem = f"the key {shown(key.value)} is read as no text: put it into quotes"
            raise _refused(problem, key.start_mark)
        if key.value in seen:
            raise _refused(f"key '{shown_name(key.value)}' stands twice", key.start_mark)
        seen.add(key.value)


def _yaml_problem(error: yaml.YAMLError, text: str) -> str:
    if isinstance(error, yaml.reader.ReaderError):  # its position is an index into the text
        line = text.count("\n", 0, error.position) + 1
        return f"line {line}: it holds the character U+{int(error.character):04X}"
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    problem = "".join(one for one in problem if is_plain(one))
    if mark and _UNQUOTED.search(text.split("\n")[mark.line]):
        problem += "; a text that begins with { or [ takes quotes"
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def _validation_problem(
    path: Path, tree: yaml.Node | None, model: type[BaseModel], item: Any
) -> str:
    further: Place = item.get("ctx", {}).get("place", ())
    location = [*(part for part in item["loc"] if part != "[key]"), *further]
    where = _named(path, tree, location)
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1])[:100], known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known))}"
        return f"{where}: unknown key; {hint}"
    if item["type"] == "missing":
        return f"{where}: this key is required and missing"
    return f"{where}: {problem_of(item)}"


def problem_of(item: Any, found: str = "found") -> str:
    """Return pydantic's message on a value, with the shortened value if it is a plain one."""
    message = str(item["msg"]).removeprefix("Value error, ")
    if item["type"] == "model_type":  # pydantic's message has the name of a class of ours
        message = "must be a mapping: keys, each with its value"
    if item["type"] in ("too_long", "too_short") and isinstance(item["input"], str):
        message = message.replace(" items after validation", " characters")
    if item["type"] in ("float_type", "int_type") and isinstance(item["input"], str):
        message += _as_number(item["input"], whole=item["type"] == "int_type")
    if item["type"] == "value_error" and isinstance(item["input"], dict | BaseModel):
        return message  # the message is about several keys and names them
    return f"{message} ({found}: {shown(item['input'])})"


def _as_number(text: str, *, whole: bool) -> str:
    """Return how to write a text that looks like a number, as one; '' if it does not.

    Of YAML's numbers, one with an exponent has a point and a sign: 1e3 is a text.
    """
    try:
        number = float(text)
    except ValueError:
        return ""
    if not math.isfinite(number) or (whole and not number.is_integer()):
        return ""
    return f", not a text: write {written_out(number)}"


def _line_of(node: yaml.Node | None, location: Sequence[str | int]) -> int:
    """Return the line, counted from 1, of the deepest part of `location` that the file has."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        child = None
        if isinstance(node, yaml.MappingNode):
            for (
                key_node,
                value_node,
            ) in node.value:  # the last one counts, as merged keys come first
                if key_node.value == str(part):
                    line, child = key_node.start_mark.line + 1, value_node
        elif isinstance(node, yaml.SequenceNode) and int(part) < len(node.value):
            child = node.value[int(part)]
            line = child.start_mark.line + 1
        if child is None:
            break
        node = child
    return line


def _known_keys(model: type[BaseModel], location: list[str | int]) -> list[str]:
    """Return the keys that the models at `location` inside `model` accept."""
    annotations: list[Any] = [model]
    for part in location:
        if not _fields(annotations, part):  # dict[..., X], list[X] or X | Y: go to X, or to both
            annotations = [inner for one in annotations for inner in _inner_models(one)]
        annotations = _fields(annotations, part) or annotations
    inner = [inner for one in annotations for inner in _inner_models(one)]
    keys = (field.alias or name for one in inner for name, field in one.model_fields.items())
    return list(dict.fromkeys(keys))


def _fields(annotations: list[Any], part: str | int) -> list[Any]:
    """Return what the models among the annotations have under the key `part`."""
    return [
        field.annotation
        for one in annotations
        for name, field in getattr(one, "model_fields", {}).items()
        if part == (field.alias or name)
    ]


def _inner_models(annotation: Any) -> list[type[BaseModel]]:
    """Return the models inside dict[..., X], list[X], X | Y or X | None; or the model itself."""
    if hasattr(annotation, "model_fields"):
        return [annotation]
    return [
        inner
        for argument in getattr(annotation, "__args__", ())
        for inner in _inner_models(argument)
    ]
