"""Settings of the Django project: what `startproject` gives, with the admin.

docs/movies.md says where it differs, and why.
"""

import hashlib
import os
from typing import Any

from psycopg.conninfo import conninfo_to_dict

DATABASE_URL = os.environ["DATABASE_URL"]
DEBUG = os.environ.get("DEBUG", "0") == "1"
# All workers must sign alike, or the admin forgets who is logged in. The database's URL holds a
# password that is made on the host and known to nobody else, so a key made of it is as secret.
SECRET_KEY = (
    os.environ.get("SECRET_KEY")
    or hashlib.blake2b(DATABASE_URL.encode(), person=b"movies secret", digest_size=40).hexdigest()
)
ALLOWED_HOSTS = ["*"]  # the host goes by whatever name the inventory has; no answer depends on it
SILENCED_SYSTEM_CHECKS = [  # of `check --deploy`: the testbed speaks plain HTTP, as the article did
    "security.W004",  # SECURE_HSTS_SECONDS
    "security.W008",  # SECURE_SSL_REDIRECT
    "security.W012",  # SESSION_COOKIE_SECURE: nobody could log in to the admin
    "security.W016",  # CSRF_COOKIE_SECURE: the same
]

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "movies",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
ROOT_URLCONF = "moviedb.urls"
WSGI_APPLICATION = "moviedb.wsgi.application"
STATIC_URL = "static/"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"


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
        DATABASE_URL,
        os.environ.get("DATABASE_ACCESS", "connection_per_request"),
        int(os.environ.get("POOL_SIZE", "1")),
    )
}

# Django's default sends errors by mail and leaves stderr, hence the journal, empty.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
