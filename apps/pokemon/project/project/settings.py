"""Settings of the Django project: what `startproject` gives, less what one page has no use for.

docs/pokemon.md says what was left out, and why.
"""

import os
import secrets

DEBUG = os.environ["DEBUG"] == "1"
SECRET_KEY = os.environ.get("SECRET_KEY") or secrets.token_urlsafe(50)  # nothing here is signed
ALLOWED_HOSTS = ["*"]  # the host goes by whatever name the inventory has; no answer depends on it

INSTALLED_APPS = ["creatures"]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "project.urls"
WSGI_APPLICATION = "project.wsgi.application"
TEMPLATES = [
    {"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True},
]
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False

# The views go to the database by its drivers, as the article's do, and not through DATABASES.
CREATURES = {
    "url": os.environ["DATABASE_URL"],
    "access": os.environ["DATABASE_ACCESS"],
    "pool_size": int(os.environ["POOL_SIZE"]),
}

# Not left to PYTHONASYNCIODEBUG, which uvicorn overrules under Python 3.11.
ASYNCIO_DEBUG = os.environ.get("ASYNCIO_DEBUG") == "1"

# Django's default sends errors by mail and leaves stderr, hence the journal, empty.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["stderr"], "level": "WARNING"},
}
