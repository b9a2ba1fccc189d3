"""Define the request that an endpoint takes: its method, headers, query, body and drawn values."""

import json
import re
from collections.abc import Iterator
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, PlainValidator, model_validator

from testbed.model import template
from testbed.model.base import Declared
from testbed.model.kinds import (
    ContentType,
    Differing,
    HeaderName,
    HeaderValue,
    Name,
    RelativeFile,
)
from testbed.texts import shown

WITH_A_BODY = ("POST", "PUT", "PATCH")  # each request of theirs has one, be it empty
# What a body would mean is not defined there, and forbidden for TRACE (RFC 9110, 9.3)
WITHOUT_A_BODY = ("GET", "HEAD", "TRACE")
# The testbed or the generator sets these: by the URL, `send`, and a load's keepalive
SET_BY_THE_GENERATOR = (
    "connection", "content-length", "content-type", "host", "transfer-encoding",
)  # fmt: skip
MOST_DRAWN = 2**53 - 1  # what JSON's readers hold without loss
# Characters that stand for themselves: drawn values are put as they are, but for the path
_IN_A_HEADER = re.compile(r"[ -~]*")
_IN_A_FORM = re.compile(r"[A-Za-z0-9._~-]*")
_IN_JSON = re.compile(r'[^"\\]*')
_ANYWHERE = re.compile(r".*")


def _template(value: str) -> str:
    template.names(value)
    return value


def _query_value(value: Any) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str) or len(value) > 1000:
        raise ValueError("must be a text of up to 1000 characters, or a whole number")
    return _template(value)


def _drawn_value(value: Any) -> str | int:
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= MOST_DRAWN:
        return value
    if not isinstance(value, str) or len(value) > 1000:
        raise ValueError("must be a text of up to 1000 characters, or a whole number")
    if not value.isprintable():
        raise ValueError("must be one line of printable characters")
    return value


Template = Annotated[str, AfterValidator(_template)]
HeaderTemplate = Annotated[HeaderValue, AfterValidator(_template)]
QueryTemplate = Annotated[str, PlainValidator(_query_value, json_schema_input_type=str | int)]
QueryName = Annotated[str, Field(min_length=1, max_length=200)]
Drawable = Annotated[int, Field(ge=-MOST_DRAWN, le=MOST_DRAWN)]
DrawnValue = Annotated[str | int, PlainValidator(_drawn_value, json_schema_input_type=str | int)]


class Draw(Declared):
    """A value that is drawn anew for each request: a whole number of a range, or a choice.

    All values are as likely as each other. The sequence follows from a seed, so that every app is
    asked the same.
    """

    from_: Drawable | None = Field(
        default=None, alias="from", description="the least of a range of whole numbers"
    )
    to: Drawable | None = Field(default=None, description="the greatest of them")
    choices: (
        Annotated[list[DrawnValue], Field(min_length=1, max_length=10_000), Differing] | None
    ) = Field(default=None, description="instead of a range: texts or whole numbers")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.from_ is None) != (self.to is None) or (self.from_ is None) == (
            self.choices is None
        ):
            raise ValueError("give from and to, or choices")
        if self.from_ is not None and self.to is not None and self.from_ > self.to:
            raise ValueError(f"from {self.from_} to {self.to} holds no number")
        return self

    @property
    def numeric(self) -> bool:
        """Return whether each value is a number, which JSON has without quotes."""
        return all(isinstance(value, int) for value in self.choices or [])

    def unfit(self, characters: re.Pattern[str]) -> str | None:
        """Return the first value that has other characters than these; None if none has."""
        texts = map(str, self.choices or [])
        return next((text for text in texts if not characters.fullmatch(text)), None)


class Body(Declared):
    """The body of a request: one of a file, a text, a form or a JSON document.

    In all but a file, texts may have placeholders of drawn values. Files are relative to the
    workload's folder.
    """

    content_type: ContentType = Field(
        default="", description="its media type; left out: the usual one of its kind"
    )
    file: RelativeFile | None = Field(
        default=None, description="file that is sent as it is; may be empty; JSON unless told"
    )
    text: Template | None = Field(default=None, max_length=64 * 1024, description="a text")
    form: dict[QueryName, QueryTemplate] | None = Field(
        default=None, description="fields of a form, by name"
    )
    json_document: Any = Field(
        default=None,
        alias="json",
        description="a document; a text that is only a drawn number is sent as a number",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, data: Any) -> Any:
        """Add the usual content type of the kind of body, unless another one is given."""
        usual = {
            "file": "application/json",
            "json": "application/json",
            "text": "text/plain; charset=utf-8",
            "form": "application/x-www-form-urlencoded",
        }
        if not isinstance(data, dict):
            return data
        given = [kind for kind in usual if kind in data]
        if len(given) != 1:
            raise ValueError("a body is one of file, text, form and json")
        return {"content_type": usual[given[0]]} | data

    @model_validator(mode="after")
    def _is_encoded_so(self) -> Self:
        if self.form is not None and self.content_type.lower().startswith("multipart/"):
            raise ValueError("form: is sent as application/x-www-form-urlencoded, not as multipart")
        return self

    @model_validator(mode="after")
    def _is_json(self) -> Self:
        try:
            json.dumps(self.json_document, allow_nan=False)
        except ValueError as error:
            raise ValueError("json: a number that JSON cannot hold") from error
        for text in _texts_in(self.json_document):
            try:
                template.names(text)
            except ValueError as error:
                raise ValueError(f"json: {text!r} {error}") from error
        return self

    @property
    def templates(self) -> list[str]:
        """Return all its texts that may have placeholders."""
        return [
            *([] if self.text is None else [self.text]),
            *(self.form or {}).values(),
            *_texts_in(self.json_document),
        ]


def _texts_in(document: Any) -> Iterator[str]:
    """Yield all texts that are values in a JSON document, and not its keys."""
    if isinstance(document, str):
        yield document
    elif isinstance(document, dict | list):
        for value in document.values() if isinstance(document, dict) else document:
            yield from _texts_in(value)


def told_apart(headers: dict[str, Any]) -> dict[str, Any]:
    """Return the headers. Raises ValueError for a name that is given twice, in another case."""
    lower = [name.lower() for name in headers]
    for name in headers:
        if lower.count(name.lower()) > 1:
            raise ValueError(f"{name} is given twice")
    return headers


def _may_be_sent(headers: dict[str, Any]) -> dict[str, Any]:
    for name in headers:
        if name.lower() in SET_BY_THE_GENERATOR:
            by = "send's content_type" if name.lower() == "content-type" else "the generator"
            raise ValueError(f"{name} is set by {by}")
    return told_apart(headers)


RequestHeaders = Annotated[dict[HeaderName, HeaderTemplate], AfterValidator(_may_be_sent)]
Query = dict[QueryName, QueryTemplate]
Draws = dict[Name, Draw]


def asked_problem(
    method: str, headers: dict[str, str], query: dict[str, str], body: Body | None, draws: Draws
) -> str | None:
    """Return what is wrong with a request, of which each part alone is right; None if nothing is.

    Each placeholder must be drawn, and its values must be such that they can stand where it does.
    In a query all can, because it is encoded.
    """
    if method in WITH_A_BODY and body is None:
        return f"{method} takes a body (send), be it an empty text"
    if method in WITHOUT_A_BODY and body is not None:
        return f"send: a request with {method} takes none"
    in_body = _ANYWHERE
    if body is not None and body.text is None:
        in_body = _IN_JSON if body.form is None else _IN_A_FORM
    places = [
        *((f"headers: {name}", text, _IN_A_HEADER) for name, text in headers.items()),
        *((f"query: {name}", text, _ANYWHERE) for name, text in query.items()),
        *(("send", text, in_body) for text in (body.templates if body else [])),
    ]
    for place, text, characters in places:
        for name in template.names(text):
            if name not in draws:
                return f"{place}: {{{name}}} is drawn nowhere; declare it under draw"
            if (value := draws[name].unfit(characters)) is not None:
                return (
                    f"{place}: {{{name}}} may be {shown(value)}, which has characters that cannot "
                    f"stand there as they are"
                )
    return None


def used(headers: dict[str, str], query: dict[str, str], body: Body | None) -> set[str]:
    """Return the names of all drawn values that a request uses."""
    texts = [*headers.values(), *query.values(), *(body.templates if body else [])]
    return {name for text in texts for name in template.names(text)}
