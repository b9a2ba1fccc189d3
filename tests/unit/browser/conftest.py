"""A browser without a window, and reports as a campaign leaves them, opened in it.

No wait depends on time: each is for a condition, and MOST_MS is only when a test gives up.
"""

import os
import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from analysis import report
from analysis.load import load
from testbed.model.gave_out import GaveOut
from testbed.model.results import Cost, Finding
from tests.unit.report import builder

MOST_MS = 300_000
CHROMIUM = shutil.which("chromium")
ON_DEBIAN = "\nID=debian\n" in Path("/etc/os-release").read_text()
# What the campaigns of today tell besides, so that tables have all columns
MORE = {
    "cost": Cost(
        app_ms_per_s=800.0, services_ms_per_s={"postgresql": 90.0}, kernel_ms_per_s=70.0,
        memory_peak_bytes=2.4e8,
    ),
    "gave_out": GaveOut(what="all_cores", sentence="all CPUs of the server were in use"),
    "drift_percent": -1.2,
    "response_drift_percent": 3.4,
}  # fmt: skip


def runs(apps=3, trials=3):
    """Return runs of two endpoints, of which some are doubtful."""
    found = []
    for endpoint in ("index", "agents"):
        for place in range(apps):
            for trial in range(1, trials + 1):
                number, rate = len(found) + 1, 1000.0 + 400 * place + 7 * trial
                sentence = f"the generator lagged: p99 {1000 + number} us"
                late = Finding(check="generator_lag", verdict="doubtful", sentence=sentence)
                doubts = [late] if place == 1 else []
                figures = builder.output(goodput_rps=rate, throughput_rps=rate)
                about = {"trial": trial, "findings": doubts, "figures": figures}
                verdict = "doubtful" if doubts else "valid"
                record = builder.run(number, f"app{place}", endpoint, verdict=verdict, **about)
                found.append(record.model_copy(update=MORE))
    return found


def report_of(folder, records, **other):
    """Write a results folder and its report; return the page's file."""
    builder.write(folder, builder.campaign(records), records, **other)
    for record in records:
        (folder / record.run_id / "raw" / "pacer.out").write_text("what the tool <printed>\n")
    report.write(load(folder), folder / "report")
    return folder / "report" / "index.html"


@pytest.fixture(scope="module")
def browser():
    """A browser. It ends with its file of tests, as playwright has an event loop while it runs."""
    if CHROMIUM is None and not ON_DEBIAN:
        pytest.skip("this distribution has no package of Chromium that runs without snap")
    assert CHROMIUM, "no chromium: script/bootstrap --test installs it"
    with sync_playwright() as playwright:
        # Chromium refuses a sandbox to root; what is opened are pages of these tests
        found = playwright.chromium.launch(
            executable_path=CHROMIUM,
            chromium_sandbox=os.geteuid() != 0,
            timeout=MOST_MS,
        )
        yield found
        found.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    return report_of(tmp_path_factory.mktemp("results") / "campaign", runs())


@pytest.fixture(scope="session")
def page_of_fifty(tmp_path_factory):
    records = runs(apps=9)[:50]
    return report_of(tmp_path_factory.mktemp("fifty") / "campaign", records, curves=False)


class Opened:
    """A page that was opened, with all that it asked for and complained about."""

    def __init__(self, context, file):
        self.file = file
        self.asked, self.complaints = [], []
        self.page = context.new_page()
        self.page.set_default_timeout(MOST_MS)
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.goto(file.as_uri())

    def strangers(self):
        """Return what was asked for beside the page itself and pictures inside of it."""
        own = self.file.as_uri()
        return [url for url in self.asked if url.split("#")[0] != own and url[:5] != "data:"]


@pytest.fixture
def open_page(browser):
    """Open a page with a setting of the browser; in the end, it has asked and said nothing."""
    contexts, opened = [], []

    def opening(file, *, width=1400, scheme="light", scripts=True):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme,
            java_script_enabled=scripts,
        )  # fmt: skip
        contexts.append(context)
        opened.append(Opened(context, file))
        return opened[-1].page

    yield opening
    for context in contexts:
        context.close()
    for one in opened:
        assert one.complaints == []
        assert one.strangers() == []
