"""`python -m agents`: the api_hour command line, in the version that runs today."""

from .api_hour_today import Application

Application("%(prog)s [OPTIONS] [APP_MODULE]").run()
