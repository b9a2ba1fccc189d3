"""Falcon."""

import falcon

from .database import Database


class Rows:
    """The resource of one row."""

    def __init__(self) -> None:
        self._database = Database()

    def on_get(self, request: falcon.Request, response: falcon.Response, number: int) -> None:
        """One row."""
        response.media = self._database.row(number)
        if response.media is None:
            raise falcon.HTTPNotFound


app = falcon.App()
app.add_route("/rows/{number:int}", Rows())
