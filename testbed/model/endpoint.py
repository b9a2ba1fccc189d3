"""Define an endpoint of a workload: what is asked, and what the answer must be like."""

from typing import Any, Self

from pydantic import Field, model_validator

from testbed.model.base import Declared
from testbed.model.expected import ExpectedAnswer
from testbed.model.kinds import Line, Method, Text
from testbed.model.request import (
    Body,
    Draws,
    Query,
    RequestHeaders,
    asked_problem,
    used,
)


class Statement(Declared):
    """An SQL statement that an app executes to answer.

    `texts` has it as pg_stat_statements normalises it (constants as $1, $2, ...); white space does
    not matter. There are several texts if drivers or ORMs word the same statement differently.
    """

    texts: list[Text] = Field(min_length=1)
    calls_per_request: float = Field(default=1, gt=0, le=10_000)  # a request of that many is a job


class Exchange(Declared):
    """A further request to an endpoint, made before the load and never as a load.

    It proves that an app does all that it must do, e.g. that it refuses invalid input. Its method,
    headers and query are those of the endpoint, unless it has its own.
    """

    description: Line = Field(description="what it is, in a few words")
    method: Method | None = Field(default=None, description="if it is another one")
    headers: RequestHeaders | None = Field(default=None, description="in place of the endpoint's")
    query: Query | None = Field(default=None, description="in place of the endpoint's")
    send: Body | None = Field(
        default=None, description="its body; that of the endpoint is not sent"
    )
    expect: ExpectedAnswer = Field(description="what must be answered")


class Endpoint(Declared):
    """One thing that a workload asks of its apps."""

    description: Text = Field(description="what is asked")
    method: Method = Field(
        default="GET", description="GET, POST, PROPFIND, …: any but CONNECT; case matters"
    )
    headers: RequestHeaders = Field(default={}, description="headers of the request, by name")
    query: Query = Field(
        default={},
        description="names and values that are added to the path of each app, encoded as in a URL",
    )
    send: Body | None = Field(default=None, description="body of the request: one kind")
    draw: Draws = Field(
        default={},
        description="values that are drawn anew for each request, by name; `{name}` stands for one"
        " in headers, query, body and the app's path",
    )
    expect: ExpectedAnswer = Field(description="what must be answered")
    also: list[Exchange] = Field(
        default=[], description="further requests to the same path, made before the load only"
    )
    sql: list[Statement] = Field(
        default=[], description="all statements that an answer needs; any other one is reported"
    )

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if problem := asked_problem(self.method, self.headers, self.query, self.send, self.draw):
            raise ValueError(problem)
        _check_expected(self.method, self.expect, self.draw)
        for number, one in enumerate(self.also):
            asked = self.exchange(one)
            problem = asked_problem(asked.method, asked.headers, asked.query, asked.send, self.draw)
            if problem:
                raise ValueError(f"also.{number}: {problem}")
            _check_expected(asked.method, asked.expect, self.draw)
        return self

    def exchange(self, one: Exchange) -> "Endpoint":
        """Return what a further request asks, as an endpoint of its own without further ones."""
        update: dict[str, Any] = {
            "method": self.method if one.method is None else one.method,
            "headers": self.headers if one.headers is None else one.headers,
            "query": self.query if one.query is None else one.query,
            "send": one.send,
            "expect": one.expect,
            "also": [],
        }
        return self.model_copy(update=update)

    @property
    def used(self) -> set[str]:
        """Return the names of the drawn values that the request uses; an app's path may, too."""
        return used(self.headers, self.query, self.send)

    @property
    def varies(self) -> bool:
        """Return whether two right answers may have different bodies.

        A page, or a body of which only the length is known, may if the request has drawn values.
        """
        loose = bool(self.expect.html) or self.expect.only_length
        return self.expect.may_vary or (self.expect.varies is None and loose and bool(self.draw))


def _check_expected(method: Method, expected: ExpectedAnswer, draws: Draws) -> None:
    """Raise ValueError for an answer that cannot come, or a rule about what is not drawn."""
    if method == "HEAD" and expected.has_a_body:
        raise ValueError("expect: an answer to HEAD has no body to compare")
    for name in expected.placeholders:
        if name not in draws:
            raise ValueError(f"expect: {{{name}}} is drawn nowhere; declare it under draw")
