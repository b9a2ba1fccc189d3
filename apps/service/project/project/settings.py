"""Settings of the Django project: what `startproject` gives, less what this service has no use for.

docs/service.md says what was left out, and why.
"""

import os
import secrets
from typing import Any

from psycopg.conninfo import conninfo_to_dict

DEBUG = False
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)  # nothing here is signed
ALLOWED_HOSTS = ["*"]  # the host goes by whatever name the inventory has; no answer depends on it

INSTALLED_APPS = ["service"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = f"service.{os.environ['VIEWS']}_urls"
WSGI_APPLICATION = "project.wsgi.application"
ASGI_APPLICATION = "project.asgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False


def database(url: str, access: str, pool_size: int) -> dict[str, Any]:
    """The database at `url`, and for how long a request keeps its connection.

    Raises ValueError for a way of access that is not known.
    """
    parts = conninfo_to_dict(url)
    config: dict[str, Any] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": parts.pop("dbname"),
        "USER": parts.pop("user"),
        "PASSWORD": parts.pop("password"),
        "HOST": parts.pop("host"),
        "PORT": parts.pop("port"),
        "OPTIONS": parts,
    }
    match access:
        case "connection_per_request":
            config["CONN_MAX_AGE"] = 0
        case "persistent":
            config["CONN_MAX_AGE"] = None
        case "pool":
            config["CONN_MAX_AGE"] = 0
            config["OPTIONS"]["pool"] = {"min_size": 0, "max_size": pool_size}
        case _:
            raise ValueError(
                f"DATABASE_ACCESS={access}: not connection_per_request, persistent or pool"
            )
    return config


DATABASES = {
    "default": database(
        os.environ["DATABASE_URL"], os.environ["DATABASE_ACCESS"], int(os.environ["POOL_SIZE"])
    )
}

UPSTREAM_URL = os.environ["UPSTREAM_URL"]  # the other service
HTTP_CLIENT = os.environ["HTTP_CLIENT"]  # which it is asked with

# Django's default sends errors by mail and leaves stderr, hence the journal, empty.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
