"""Check the sample of answers that a generator kept during a load. Pure functions.

pacer writes it (pacer/FORMAT.md, "A sample of answers").
"""

import base64
from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from testbed.asked import answers
from testbed.asked.expectations import Expected
from testbed.model.results import AnswerCheck
from testbed.texts import shown

MOST_ANSWERS = 100
MOST_BODY_BYTES = 65_536  # of a body, as the beginning that is kept
_LONGEST_BASE64 = -(-MOST_BODY_BYTES // 3) * 4
# Besides its body, a line has the headers and the drawn values of its request
MOST_BYTES = MOST_ANSWERS * (_LONGEST_BASE64 + 64 * 1024)


class _Kept(BaseModel):
    """A line of the sample."""

    model_config = ConfigDict(strict=True)

    name: Annotated[str, Field(max_length=64)]  # of a request of a mix; empty: there is only one
    drawn: dict[str, str | int] = {}
    status: Annotated[int, Field(ge=0, le=999)]
    content_type: str | None
    headers: dict[str, str] | None = None  # names in lower case; None: not kept
    ok: bool  # whether the generator counted it as correct
    body_bytes: Annotated[int, Field(ge=0)]
    body_base64: Annotated[str, Field(max_length=_LONGEST_BASE64)]


def read(text: str) -> list[tuple[str, answers.Answer]]:
    """Return the name of the request and the answer, for all that counted as correct.

    The others are in the generator's numbers of errors: a load may be meant to bring them about.
    Raises ValueError, which names the line, if the text is no such sample.
    """
    lines = text.rstrip("\n").split("\n") if text else []
    if len(text) > MOST_BYTES or len(lines) > MOST_ANSWERS:
        raise ValueError(f"holds more than {MOST_ANSWERS} answers, or more than fits their size")
    kept = []
    for number, line in enumerate(lines, start=1):
        try:
            one = _Kept.model_validate_json(line)
            body = base64.b64decode(one.body_base64, validate=True)
            if len(body) != min(one.body_bytes, MOST_BODY_BYTES):
                raise ValueError(f"{len(body)} bytes of a body of {one.body_bytes}")
        except ValidationError as error:
            first = error.errors()[0]
            key = ".".join(map(str, first["loc"]))
            raise ValueError(f"line {number}: {shown(key)}: {first['msg']}") from error
        except ValueError as error:
            raise ValueError(f"line {number}: {error}") from error
        if one.ok:
            answer = answers.Answer(
                status=one.status,
                content_type=one.content_type,
                body=body,
                headers=one.headers,
                drawn=one.drawn,
                body_bytes=one.body_bytes,
            )
            kept.append((one.name, answer))
    return kept


def check(text: str, expected: Mapping[str, Expected]) -> dict[str, AnswerCheck]:
    """Compare a sample with what is expected of each request, by name.

    The name of an only request may be empty. Return one check for each request that the sample has
    answers of, by name. Raises ValueError as `read` does, and for a name or drawn values that are
    not the request's.
    """
    by_name: dict[str, list[answers.Answer]] = {}
    for name, answer in read(text):
        if name not in expected:
            raise ValueError(f"holds an answer to {shown(name)}, which was not asked")
        for needed in expected[name].spec.placeholders:
            if needed not in answer.drawn:
                raise ValueError(f"holds an answer without the value drawn for {shown(needed)}")
        by_name.setdefault(name, []).append(answer)
    return {
        name: answers.compare_all(kept, expected[name], "during") for name, kept in by_name.items()
    }
