"""Flask."""

from flask import Flask, abort

from .database import Database, Row

app = Flask(__name__)
database = Database()


@app.get("/rows/<int:number>")
def row(number: int) -> Row:
    """One row."""
    return database.row(number) or abort(404)
