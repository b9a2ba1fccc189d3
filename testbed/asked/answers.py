"""Check whether an app's answers are those that its workload expects. Pure functions."""

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message
from typing import Annotated, Any

from bs4 import BeautifulSoup
from bs4.exceptions import ParserRejectedMarkup
from jsonschema.exceptions import best_match
from pydantic import BaseModel, Field

from testbed import patterns
from testbed.asked import expectations, rules
from testbed.asked.expectations import Expected
from testbed.model import shape
from testbed.model.expected import ExpectedAnswer
from testbed.model.results import AnswerCheck, When
from testbed.texts import instead, masked, plain, shown

LONGEST_PROBLEM = 500  # the most characters of a wrong answer that a record keeps
LONGEST_MATCHED = 64 * 1024  # characters of a text that is compared with a pattern
MOST_MISFITS = 20  # where a document does not fit its schema; the most telling one is named


@dataclass(frozen=True)
class Answer:
    """An HTTP answer as `pacer.probe` reports it, or as the generator kept it."""

    status: int
    content_type: str | None
    body: bytes
    waited_s: float = 0
    headers: Mapping[str, str] | None = None  # names in lower case; None: not kept
    drawn: Mapping[str, str | int] = field(default_factory=dict)  # of its request
    body_bytes: int | None = None  # of the whole body, if `body` is only its beginning

    @property
    def sha256(self) -> str:
        """The SHA-256 digest of the body, in hexadecimal digits."""
        return hashlib.sha256(self.body).hexdigest()

    @property
    def length(self) -> int:
        """The length of the whole body, in bytes."""
        return len(self.body) if self.body_bytes is None else self.body_bytes


class _Probed(BaseModel):
    """The JSON document that the probe prints."""

    status: Annotated[int, Field(ge=0, le=999)]
    headers: dict[str, str]
    body_base64: str
    waited_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]


def from_probe(text: str) -> Answer:
    """Read the probe's JSON document. Raises ValueError if the text is not one."""
    document = _Probed.model_validate_json(text)
    return Answer(
        status=document.status,
        content_type=document.headers.get("content-type"),
        body=base64.b64decode(document.body_base64),
        waited_s=document.waited_s,
        headers=document.headers,
    )


class _Wrong(Exception):
    """Raised with the first difference between an answer and the expected one."""


def compare_all(
    answers: Sequence[Answer], expected: Expected, when: When, what: str | None = None
) -> AnswerCheck:
    """Compare some answers to one request, of which there is at least one, with the expected one.

    Report the first difference; if there is none, the first rule that they together break.
    """
    documents: list[Any] = []
    seen = answers[-1]
    problem = None
    for answer in answers:
        try:
            documents += _check(answer, expected)
        except (_Wrong, rules.Broken) as error:
            asked = ", ".join(f"{name}={value}" for name, value in answer.drawn.items())
            seen, problem = answer, f"{error}{f' (asked with {asked})' if asked else ''}"
            break
    if problem is None:
        try:
            rules.check_all(expected.spec.rules, documents)
        except rules.Broken as error:
            problem = str(error)
    return AnswerCheck(
        when=when,
        what=what,
        ok=problem is None,
        status=seen.status,
        content_type=seen.content_type,
        body_bytes=seen.length,
        answers=len(answers),
        # An error page may have the URL of the database, with the password
        problem=problem and plain(masked(problem))[:LONGEST_PROBLEM],
    )


def _check(answer: Answer, expected: Expected) -> list[Any]:
    """Return an answer's JSON document, if the workload declares its shape.

    Raises _Wrong, or Broken.
    """
    try:
        with patterns.limited(patterns.MATCHED_S):
            _check_head(answer, expected.spec)
            if answer.length != len(answer.body):
                _check_length(answer, expected.spec)
                return []
            return _check_body(answer, expected)
    except patterns.TooSlow as error:
        raise _Wrong(
            f"to compare it with what is expected took longer than {patterns.MATCHED_S:g} s of CPU "
            f"time; let each pattern match a text in one way only: {_start(answer)}"
        ) from error
    except RecursionError as error:
        raise _Wrong("the body is nested too deeply to be read") from error


def _check_head(answer: Answer, expected: ExpectedAnswer) -> None:
    if answer.status != expected.status:
        raise _Wrong(f"status {answer.status} instead of {expected.status}: {_start(answer)}")
    if expected.content_type is not None:
        media_type = (answer.content_type or "none").split(";")[0].strip().lower()
        if media_type != expected.content_type:
            raise _Wrong(f"content type {media_type} instead of {expected.content_type}")
    for name, wanted in expected.headers.items() if answer.headers is not None else ():
        found = (answer.headers or {}).get(name.lower())
        if wanted.present is False:
            if found is not None:
                raise _Wrong(f"a header {name}, {shown(found)}, which must not be there")
        elif found is None:
            raise _Wrong(f"no header {name}")
        elif wanted.exact is not None and found.strip() != wanted.exact:
            raise _Wrong(f"header {name}: {instead(found, wanted.exact)}")
        elif wanted.pattern is not None:
            _check_match(wanted.pattern, found, f"header {name}")


def _check_length(answer: Answer, expected: ExpectedAnswer) -> None:
    if expected.length is not None and answer.length != expected.length:
        raise _Wrong(f"{answer.length} bytes instead of {expected.length}: {_start(answer)}")


def _check_body(answer: Answer, expected: Expected) -> list[Any]:
    spec = expected.spec
    if spec.html or spec.text is not None or spec.text_file is not None:
        _check_not_coded(answer)
    if spec.html:
        _check_html(answer, expected)
    elif expected.text is not None:
        _check_text(answer, expected.text)
    elif spec.text is not None and spec.text.pattern is not None:
        _check_match(spec.text.pattern, _decoded(answer), "the text")
    elif spec.only_length or spec.sha256 is not None:
        _check_length(answer, spec)
        if spec.sha256 is not None and answer.sha256 != spec.sha256:
            raise _Wrong(f"the body's SHA-256 is {answer.sha256} instead of {spec.sha256}")
    elif spec.json_file is not None:
        where = difference(expected.document, _document(answer))
        if where:
            raise _Wrong(f"the document differs from the expected one at {where}")
    elif expected.shape is not None:
        document = _document(answer)
        misfits = itertools.islice(expected.shape.iter_errors(document), MOST_MISFITS)
        if (misfit := best_match(misfits)) is not None:
            raise _Wrong(f"the document is not as told at {shape.problem(misfit)}")
        rules.check_answer(spec.rules, document, answer.drawn)
        return [document]
    elif answer.body and not spec.any_body:
        raise _Wrong(f"a body where expect names none, as text or json would: {_start(answer)}")
    return []


def _document(answer: Answer) -> Any:
    try:
        return expectations.parse(answer.body)
    except (ValueError, RecursionError) as error:
        _check_not_coded(answer)
        reason = "" if isinstance(error, json.JSONDecodeError) else f" ({error})"
        raise _Wrong(f"the body is not JSON{reason}: {_start(answer)}") from error


def _check_not_coded(answer: Answer) -> None:
    """Raise _Wrong for a body that is no text since it was compressed."""
    coding = (answer.headers or {}).get("content-encoding", "").strip()
    if coding.lower() not in ("", "identity"):
        try:
            answer.body.decode()
        except UnicodeDecodeError as error:
            raise _Wrong(
                f"the body is coded as {coding}, and only bodies as they are can be compared: "
                "send no Accept-Encoding"
            ) from error


def _decoded(answer: Answer) -> str:
    try:
        return answer.body.decode()
    except UnicodeDecodeError as error:
        raise _Wrong(f"the body is not UTF-8 at byte {error.start}: {_start(answer)}") from error


def _check_match(pattern: str, text: str, what: str) -> None:
    if len(text) > LONGEST_MATCHED:
        raise _Wrong(f"{what} has {len(text):,} characters; {LONGEST_MATCHED:,} can be matched")
    if not re.fullmatch(pattern, text, re.DOTALL):
        raise _Wrong(f"{what}, {shown(text)}, does not match {shown(pattern)}")


def _check_text(answer: Answer, expected: str) -> None:
    """Raise _Wrong with the place where a plain text differs.

    A line break at the end of the expected text is ignored: editors add it, services do not send
    it.
    """
    wanted = expected.encode()
    if answer.body in (wanted, wanted.removesuffix(b"\n")):
        return
    text = answer.body.decode(errors="replace").removesuffix("\n")
    told = expected.removesuffix("\n")
    if text != told and masked(text) == masked(told):
        raise _Wrong("the text has another user or password in a URL than the expected one")
    pairs = zip(answer.body, wanted, strict=False)
    shorter = min(len(answer.body), len(wanted))
    same = next((at for at, (a, b) in enumerate(pairs) if a != b), shorter)
    there = (one[same : same + 40].decode(errors="replace") for one in (answer.body, wanted))
    raise _Wrong(f"the text differs from the expected one at byte {same}: {instead(*there)}")


def _check_html(answer: Answer, expected: Expected) -> None:
    try:
        page = BeautifulSoup(answer.body, "html.parser", from_encoding=_charset(answer))
    except ParserRejectedMarkup as error:
        raise _Wrong(f"the body cannot be read as HTML: {_start(answer)}") from error
    for selection, texts in zip(expected.spec.html, expected.texts, strict=True):
        found = page.select(selection.selector)
        if selection.count is not None and len(found) != selection.count:
            raise _Wrong(
                f"{len(found)} elements instead of {selection.count} for '{selection.selector}'"
            )
        if texts is None:
            continue
        where = difference(texts, [" ".join(element.get_text().split()) for element in found])
        if where:
            raise _Wrong(
                f"texts of '{selection.selector}' differ from the expected ones at {where}"
            )


def _charset(answer: Answer) -> str | None:
    """Return the encoding that the content type names; None: the page itself, or its bytes, do."""
    head = Message()
    head["content-type"] = answer.content_type or "text/html"
    try:
        return head.get_content_charset()
    except ValueError:  # a parameter whose part has a number of thousands of digits
        return None


def _start(answer: Answer) -> str:
    return answer.body[:120].decode(errors="replace")


def difference(expected: Any, found: Any, path: str = "$") -> str | None:
    """Return where two JSON documents first differ, with both values; None if they are equal.

    20 and 20.0 are one number: which of them is written depends on the service's language.
    """
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.keys() != found.keys():
            return f"{path}: keys {sorted(found)} instead of {sorted(expected)}"
        pairs = [(f"{path}.{key}", expected[key], found[key]) for key in expected]
    elif isinstance(expected, list) and isinstance(found, list):
        if len(expected) != len(found):
            return f"{path}: {len(found)} items instead of {len(expected)}"
        pairs = [(f"{path}[{i}]", a, b) for i, (a, b) in enumerate(zip(expected, found))]  # noqa: B905
    else:
        same = isinstance(expected, bool) == isinstance(found, bool) and expected == found
        return None if same else f"{path}: {instead(found, expected)}"
    differences = (difference(a, b, where) for where, a, b in pairs)
    return next((text for text in differences if text), None)
