"""Read a YAML file into a model; what is wrong with it is told by file, line and key."""

import difflib
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from testbed.errors import TestbedError

M = TypeVar("M", bound=BaseModel)


def load(path: Path, model: type[M]) -> M:
    """The file's content as `model`.

    Raises TestbedError, naming file, line, key and the nearest known key, if the file is missing,
    is not YAML, or does not fit the model.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise TestbedError(f"{path}: no such file") from error
    try:
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        _refuse_repeated_keys(tree)
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise TestbedError(f"{path}: not valid YAML: {_yaml_problem(error)}") from error
    try:
        return model.model_validate(data)
    except ValidationError as error:
        lines = [_validation_problem(path, tree, model, item) for item in error.errors()]
        raise TestbedError("\n".join(lines)) from error


def _refuse_repeated_keys(node: yaml.Node | None) -> None:
    """YAML forbids them; PyYAML would silently take the last."""
    if isinstance(node, yaml.MappingNode):
        seen = set()
        for key, value in node.value:
            if key.value in seen:
                problem = f"key '{key.value}' stands twice"
                raise yaml.MarkedYAMLError(problem=problem, problem_mark=key.start_mark)
            seen.add(key.value)
            _refuse_repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            _refuse_repeated_keys(value)


def _yaml_problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or str(error)
    return f"line {mark.line + 1}, column {mark.column + 1}: {problem}" if mark else problem


def _validation_problem(
    path: Path, tree: yaml.Node | None, model: type[BaseModel], item: Any
) -> str:
    location = [part for part in item["loc"] if not str(part).startswith("function-")]
    key = ".".join(str(part) for part in location) or "(the whole file)"
    where = f"{path}:{_line_of(tree, location)}: {key}"
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(sorted(known))}"
        return f"{where}: unknown key; {hint}"
    if item["type"] == "missing":
        return f"{where}: this key is required and missing"
    return f"{where}: {item['msg']} (found: {item['input']!r})"


def _line_of(node: yaml.Node | None, location: list[str | int]) -> int:
    """The 1-based line of the deepest part of `location` that the file has."""
    line = node.start_mark.line + 1 if node else 1
    for part in location:
        child = None
        if isinstance(node, yaml.MappingNode):
            for key_node, value_node in node.value:
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
    """Keys that the model at `location` inside `model` takes."""
    annotation: Any = model
    for part in location:
        fields = getattr(annotation, "model_fields", None)
        if fields and part in fields:
            annotation = fields[part].annotation
        else:  # dict[..., X], list[X] or X | None: go to X
            annotation = _inner_model(annotation)
            fields = getattr(annotation, "model_fields", None)
            if fields and part in fields:
                annotation = fields[part].annotation
    annotation = _inner_model(annotation)
    return list(getattr(annotation, "model_fields", {}))


def _inner_model(annotation: Any) -> Any:
    """The model inside dict[..., X], list[X] or X | None."""
    if hasattr(annotation, "model_fields"):
        return annotation
    for argument in reversed(getattr(annotation, "__args__", ())):
        inner = _inner_model(argument)
        if hasattr(inner, "model_fields"):
            return inner
    return annotation
