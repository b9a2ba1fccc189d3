"""Define what an answer must be like: its status, headers, body, and the rules of its values."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from testbed.model import shape, template
from testbed.model.base import Declared, or_text, wrong
from testbed.model.kinds import (
    CssSelector,
    HeaderName,
    HeaderValue,
    MediaType,
    Regex,
    RelativeFile,
    Sha256,
    Status,
)
from testbed.model.request import Template, told_apart

NO_BODY = (204, 304)  # statuses whose answers have no body, whatever their headers say
USUAL_TYPES = {
    "json_file": "application/json",
    "json": "application/json",
    "html": "text/html",
    "text": "text/plain",
    "text_file": "text/plain",
}
MOST_ANSWER_BYTES = 16 * 1024 * 1024  # a link of 100 Mbit/s needs more than a second for it


class Selection(Declared):
    """What a CSS selector must find in an HTML page: a number of elements, and their texts."""

    selector: CssSelector = Field(description="CSS selector")
    count: int | None = Field(
        default=None, ge=0, le=100_000, description="how many elements it finds"
    )
    texts_file: RelativeFile | None = Field(
        default=None,
        description="JSON file with a list: the text of each element, white space collapsed",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.count is None and self.texts_file is None:
            raise ValueError("give count or texts_file, else nothing is checked")
        return self


def _exact_or_more(data: Any, sentence: str) -> Any:
    """Return the fields that a text alone stands for. Raises ValueError with this sentence."""
    if isinstance(data, str):
        return {"exact": data}
    if not isinstance(data, dict | Declared):
        raise ValueError(sentence)
    return data


class TextLike(Declared):
    """What a text must be: exactly this, or one that a regular expression matches as a whole.

    A dot of the expression matches line breaks, too.
    """

    model_config = ConfigDict(json_schema_extra=or_text)

    exact: str | None = None
    pattern: Regex | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, data: Any) -> Any:
        return _exact_or_more(data, "must be a text, or a mapping with its pattern")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if (self.exact is None) == (self.pattern is None):
            raise ValueError("must be a text, or a mapping with its pattern")
        return self


class HeaderLike(Declared):
    """What a header must be: exactly this, one that an expression matches, there, or not there."""

    model_config = ConfigDict(json_schema_extra=or_text)

    exact: HeaderValue | None = None
    pattern: Regex | None = None
    present: bool | None = None

    @model_validator(mode="before")
    @classmethod
    def _plain_text(cls, data: Any) -> Any:
        return _exact_or_more(data, "must be a text, or a mapping with pattern or present")

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        if sum(kind is not None for kind in (self.exact, self.pattern, self.present)) != 1:
            raise ValueError("must be a text, or a mapping with pattern or present")
        return self


def _any_mapping(schema: dict[str, Any]) -> None:
    """Make a model's JSON Schema take any mapping."""
    for key in ("additionalProperties", "properties"):
        schema.pop(key, None)


class JsonLike(Declared):
    """What a JSON document must look like: a JSON Schema, given here or in a file of its own."""

    model_config = ConfigDict(json_schema_extra=_any_mapping)

    schema_file: RelativeFile | None = None  # relative to the workload's folder
    inline: dict[str, Any] | None = None

    @model_validator(mode="before")
    @classmethod
    def _inline(cls, data: Any) -> Any:
        if isinstance(data, JsonLike):
            return data
        if not isinstance(data, dict):
            raise ValueError("must be a JSON Schema, or a mapping with its schema_file")
        if "schema_file" not in data:
            return {"inline": shape.check(data)}
        if len(data) > 1:
            raise ValueError("schema_file stands alone: the rest of the schema is in that file")
        return data


# A name, or names joined by dots where an object holds an object
FieldPath = Annotated[str, Field(min_length=1, max_length=200)]


class Rule(Declared):
    """What must hold between values of a JSON document, which no JSON Schema can say: one kind.

    The rows of a document are the items of the list that `of` leads to. Without `of` they are the
    items of the document itself, which is one row if it is an object. `differ` and `changes` are
    about the rows of all answers compared, because a single one may be right by chance.
    """

    of: FieldPath | None = Field(
        default=None,
        description="the list of rows, as `data.rows`; left out: the document itself",
    )
    differ: list[FieldPath] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="two fields that are not equal in each row of all answers compared",
    )
    changes: FieldPath | None = Field(
        default=None, description="a field that is not the same in all rows of all answers compared"
    )
    unique: FieldPath | None = Field(
        default=None, description="a field of which no two rows of an answer have the same value"
    )
    sorted: FieldPath | None = Field(
        default=None, description="a field that is never less than in the row before"
    )
    equals: dict[FieldPath, Template] | None = Field(
        default=None,
        min_length=1,
        description='fields and the value of each as a text, in every row: `{id: "{id}"}` for a'
        " drawn one",
    )

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = (self.differ, self.changes, self.unique, self.sorted, self.equals)
        if sum(kind is not None for kind in kinds) != 1:
            raise ValueError("a rule is one of differ, changes, unique, sorted and equals")
        if self.differ is not None and len(set(self.differ)) == 1:
            raise wrong("names one field twice, which never differs from itself", "differ")
        return self


class ExpectedAnswer(Declared):
    """The answer that every app must give. Files are relative to the workload's folder.

    Without any kind of body the body must be empty, unless headers are given and it varies.
    """

    status: Status = Field(default=200, description="200 unless another one is right")
    content_type: MediaType | None = Field(
        default=None,
        description="media type without parameters; left out: `application/json`, `text/html` or"
        " `text/plain` as its kind is, and not compared for others; null: not compared",
    )
    headers: Annotated[dict[HeaderName, HeaderLike], AfterValidator(told_apart)] = Field(
        default={},
        description="headers by name: the exact value, `{pattern: …}`, `{present: true}` or"
        " `{present: false}`",
    )
    json_file: RelativeFile | None = Field(
        default=None, description="JSON file: the body is this document, however it is written"
    )
    json_shape: JsonLike | None = Field(
        default=None,
        alias="json",
        description="a JSON Schema that the body fits, or `{schema_file: …}`",
    )
    text_file: RelativeFile | None = Field(
        default=None, description="file that the body equals; its last line break may be missing"
    )
    text: TextLike | None = Field(
        default=None,
        description="the body as a text, or `{pattern: …}`, which matches the whole of it",
    )
    html: list[Selection] = Field(
        default=[], min_length=1, description="what CSS selectors find in the page"
    )
    sha256: Sha256 | None = Field(default=None, description="digest of the body, of any kind")
    length: int | None = Field(
        default=None,
        ge=0,
        le=MOST_ANSWER_BYTES,
        description="bytes of the body, of any kind, with `sha256` or alone",
    )
    rules: list[Rule] = Field(
        default=[], description="what holds between values of the document; with `json`"
    )
    # If it does, the generator cannot compare it by length and digest
    varies: bool | None = Field(
        default=None,
        description="whether right answers may differ in their bytes; left out: with `json` and"
        " `{pattern: …}` they may, with drawn values also with `html` and `length`",
    )

    @model_validator(mode="before")
    @classmethod
    def _of_its_kind(cls, data: Any) -> Any:
        """Add the usual content type of the kind of body, unless another one is given."""
        if not isinstance(data, dict) or "content_type" in data:
            return data
        usual = (one for kind, one in USUAL_TYPES.items() if data.get(kind))
        return {"content_type": next(usual, None)} | data

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = self._kinds
        if len(kinds) > 1:
            raise ValueError(f"a body is of one kind, not {' and '.join(kinds)}")
        if self.status in NO_BODY and kinds:
            raise ValueError(f"an answer with status {self.status} has no body to compare")
        if self.rules and self.json_shape is None:
            raise ValueError("rules are about a document: give json, its shape")
        return self

    @model_validator(mode="after")
    def _can_vary(self) -> Self:
        loose = self.json_file is not None or bool(self.html) or self._is_a_shape
        loose = loose or self.only_length
        loose = loose or (bool(self.headers) and not self._kinds)
        if self.varies and not loose:
            found = self._kinds[0] if self._kinds else "no body"
            raise ValueError(
                f"varies: {found} is always the same; give json (a shape), html, a text's pattern, "
                "a length, or headers alone"
            )
        return self

    @property
    def _kinds(self) -> list[str]:
        given = {
            "json_file": self.json_file is not None,
            "json": self.json_shape is not None,
            "text_file": self.text_file is not None,
            "text": self.text is not None,
            "html": bool(self.html),
            "sha256 or length": self.sha256 is not None or self.length is not None,
        }
        return [kind for kind, there in given.items() if there]

    @property
    def _is_a_shape(self) -> bool:
        return self.json_shape is not None or (
            self.text is not None and self.text.pattern is not None
        )

    @property
    def any_body(self) -> bool:
        """Return whether the body is not compared, because only the headers are declared."""
        return bool(self.varies) and not self._kinds

    @property
    def may_vary(self) -> bool:
        """Return whether two right answers may have different bodies."""
        return self._is_a_shape if self.varies is None else self.varies

    @property
    def only_length(self) -> bool:
        """Return whether nothing but the length of a body is declared."""
        return self.length is not None and self.sha256 is None

    @property
    def placeholders(self) -> list[str]:
        """Return the names of the drawn values that its rules use."""
        texts = [text for rule in self.rules for text in (rule.equals or {}).values()]
        return [name for text in texts for name in template.names(text)]

    @property
    def has_a_body(self) -> bool:
        """Return whether a kind of body is expected."""
        return bool(self._kinds)
