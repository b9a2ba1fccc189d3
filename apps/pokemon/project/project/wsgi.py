"""What Gunicorn's own workers serve."""

import atexit
import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")

application = get_wsgi_application()

from creatures.views import database  # noqa: E402  # needs Django to be set up

database.open()
atexit.register(database.close)
