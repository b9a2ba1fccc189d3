"""The Flask app's factory."""

import os

from flask import Flask

from . import database, views


def create_app() -> Flask:
    """The app that Gunicorn serves, set up from the environment."""
    app = Flask(__name__)
    app.config.from_mapping(
        DEBUG=os.environ["DEBUG"] == "1",
        DATABASE_URL=os.environ["DATABASE_URL"],
        DATABASE_ACCESS=os.environ["DATABASE_ACCESS"],
        POOL_SIZE=int(os.environ["POOL_SIZE"]),
        AUTOCOMMIT=os.environ["AUTOCOMMIT"] == "1",
    )
    database.init_app(app)
    app.register_blueprint(views.blueprint)
    return app
