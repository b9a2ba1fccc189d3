"""The Flask app's factory."""

import os

from flask import Flask

from . import database, upstream, views


def create_app() -> Flask:
    """Return the app, set up from the environment."""
    app = Flask(__name__)
    app.config.from_mapping(
        DATABASE_URL=os.environ["DATABASE_URL"],
        DATABASE_ACCESS=os.environ["DATABASE_ACCESS"],
        POOL_SIZE=int(os.environ["POOL_SIZE"]),
        UPSTREAM_URL=os.environ["UPSTREAM_URL"],
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]  # of Flask's default provider
    database.init_app(app)
    upstream.init_app(app)
    app.register_blueprint(views.blueprint)
    return app
