import pytest

from testbed import catalogue
from testbed.errors import TestbedError


def test_apps_are_read_with_what_follows_from_their_place(small_catalogue):
    app = small_catalogue.apps_of("work")["second"]
    assert app.unit == "testbed-work-second.service"
    assert app.defaults() == {"workers": 16, "mode": "sync"}


def test_the_digest_follows_every_change_of_a_file(apps_folder):
    folder = apps_folder / "work" / "first"
    before = catalogue.digest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("cache")
    assert catalogue.digest(folder) == before
    (folder / "app.py").write_text("1")
    assert catalogue.digest(folder) != before


def test_an_unknown_workload_names_the_nearest(small_catalogue):
    with pytest.raises(TestbedError, match="(?s)unknown workload 'wrk'.*did you mean 'work'"):
        small_catalogue.workload("wrk")


def test_an_endpoint_that_the_workload_lacks_is_refused(apps_folder):
    file = apps_folder / "work" / "first" / "app.yml"
    file.write_text(file.read_text().replace("{index: /index}", "{indx: /index}"))
    with pytest.raises(TestbedError, match=r"(?s)first/app.yml.*'indx'.*did you mean 'index'"):
        catalogue.load(apps_folder)


def test_missing_requirements_are_named(apps_folder):
    file = apps_folder / "work" / "first" / "app.yml"
    file.write_text(file.read_text() + "requirements: requirements.txt\n")
    with pytest.raises(TestbedError, match=r"no file 'requirements.txt' beside it"):
        catalogue.load(apps_folder)


def test_a_folder_without_workloads_is_an_error(tmp_path):
    with pytest.raises(TestbedError, match=r"no workload.yml below"):
        catalogue.load(tmp_path)


def test_the_repository_s_own_apps_folder_is_sound():
    assert "agents" in catalogue.load().workloads
