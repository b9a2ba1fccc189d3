"""A results folder of two campaigns, and a server of it that is asked as a browser asks."""

import threading
from contextlib import contextmanager
from datetime import timedelta
from http.client import HTTPConnection

import bs4
import pytest

from analysis.serve import server
from tests.unit.report import builder

FIGURES = {"first": (1000.0, 1010.0, 1020.0), "second": (1500.0, 1510.0, 1520.0)}


def runs(name, goodputs, app="flask", **other):
    found = []
    for trial, rate in enumerate(goodputs, start=1):
        figures = builder.output(throughput_rps=rate, goodput_rps=rate, due=int(rate * 20))
        one = builder.run(trial, app, "index", trial=trial, figures=figures, **other)
        found.append(one.model_copy(update={"campaign": name}))
    return found


def write(results, name, goodputs, *, days=0, app="flask", endpoint="index", about=None, **other):
    records = runs(name, goodputs, app, **other)
    asked = {"trials": len(records), "apps": [app], "endpoints": [endpoint]}
    values = {
        "campaign": name,
        "asked": asked,
        "created_at": builder.BEGAN + timedelta(days=days),
    }
    campaign = builder.campaign(records, **(values | (about or {})))
    return builder.write(results / name, campaign, records, curves=False)


@pytest.fixture
def results(tmp_path):
    place = tmp_path / "results"
    for days, (name, goodputs) in enumerate(FIGURES.items()):
        write(place, name, goodputs, days=days)
    return place


@contextmanager
def serving(folder):
    with server.Server(folder, 0) as one:
        thread = threading.Thread(target=one.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield one
        finally:
            one.shutdown()
            thread.join()


@pytest.fixture
def ask(results):
    """Ask the server for a path; returns the answer and its text."""
    with serving(results) as one:

        def call(path, method="GET", headers=None):
            connection = HTTPConnection(*one.server_address)
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            text = answer.read().decode()
            connection.close()
            return answer, text

        yield call


def names(text):
    """Return the names of the campaigns that a list shows, in its order."""
    rows = bs4.BeautifulSoup(text, "html.parser").select("tbody th")
    return [(row.small or row).get_text(strip=True) for row in rows]


def shown(text):
    return " ".join(bs4.BeautifulSoup(text, "html.parser").main.get_text(" ").split())
