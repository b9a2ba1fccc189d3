import pytest

from testbed.asked import app_code, catalogue
from testbed.errors import TestbedError


def test_apps_are_read_with_what_follows_from_their_place(small_catalogue):
    app = small_catalogue.apps_of("work")["second"]
    assert app.unit == "testbed-work-second.service"
    assert app.defaults() == {"workers": 16, "mode": "sync"}


def test_the_digest_follows_every_change_of_a_file(apps_folder):
    folder = apps_folder / "work" / "first"
    before = app_code.digest(folder)
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "x.pyc").write_text("cache")
    assert app_code.digest(folder) == before
    (folder / "app.py").write_text("1")
    assert app_code.digest(folder) != before


def test_an_unknown_workload_names_the_nearest(small_catalogue):
    with pytest.raises(TestbedError, match="(?s)unknown workload 'wrk'.*did you mean 'work'"):
        small_catalogue.workload("wrk")


def test_an_endpoint_that_the_workload_lacks_is_refused(apps_folder):
    file = apps_folder / "work" / "first" / "app.yml"
    file.write_text(file.read_text().replace("{index: /index}", "{indx: /index}"))
    with pytest.raises(TestbedError, match=r"(?s)first/app.yml.*'indx'.*did you mean 'index'"):
        catalogue.load(project=apps_folder)


def test_missing_requirements_are_named(apps_folder):
    file = apps_folder / "work" / "first" / "app.yml"
    file.write_text(file.read_text() + "requirements: requirements.txt\n")
    with pytest.raises(TestbedError, match=r"app.yml:9: requirements: .*no such file"):
        catalogue.load(project=apps_folder)


def test_a_folder_without_workloads_is_an_error(tmp_path):
    with pytest.raises(TestbedError, match=r"no workload.yml below"):
        catalogue.load(project=tmp_path)


def test_the_repository_s_own_apps_folder_is_sound():
    assert "agents" in catalogue.load().workloads


def test_own_apps_join_the_project_s(apps_folder, tmp_path):
    own = tmp_path / "own"
    mine = own / "work" / "mine"
    mine.mkdir(parents=True)
    text = (apps_folder / "work" / "first" / "app.yml").read_text()
    (mine / "app.yml").write_text(text.replace("title: A", "title: Mine"))
    (mine / "serve").touch(mode=0o755)
    known = catalogue.load(own, project=apps_folder)
    assert {"first", "mine"} <= set(known.apps_of("work"))
    assert known.folders["work"] == apps_folder / "work"


def test_an_own_app_of_an_unknown_workload_is_refused(apps_folder, tmp_path):
    mine = tmp_path / "own" / "wrk" / "mine"
    mine.mkdir(parents=True)
    (mine / "app.yml").write_text((apps_folder / "work" / "first" / "app.yml").read_text())
    with pytest.raises(TestbedError, match=r"(?s)mine/app.yml: unknown workload 'wrk'.*'work'"):
        catalogue.load(tmp_path / "own", project=apps_folder)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("work/mine/app.yaml", r"mine/app.yaml: a file of this name is not read"),
        ("work/mine/App.yml", r"mine/App.yml: a file of this name is not read"),
        ("mine/workload.yaml", r"mine/workload.yaml: a file of this name is not read"),
        ("work/app.yml", r"work/app.yml: an app is a folder of its own"),
    ],
)
def test_no_file_is_passed_over(apps_folder, tmp_path, name, said):
    file = tmp_path / "own" / name
    file.parent.mkdir(parents=True)
    sound = apps_folder / "work" / "first" / "app.yml"
    file.write_text(sound.read_text())
    with pytest.raises(TestbedError, match=said):
        catalogue.load(tmp_path / "own", project=apps_folder)


def test_another_program_s_file_beside_app_yml_is_none_of_ours(apps_folder):
    (apps_folder / "work" / "first" / "app.yaml").write_text("runtime: python312\n")
    assert "first" in catalogue.load(project=apps_folder).apps_of("work")


def test_an_own_app_may_not_take_another_s_place(apps_folder):
    with pytest.raises(TestbedError, match="there is a workload 'work' already"):
        catalogue.load(apps_folder, project=apps_folder)


def test_two_apps_of_one_title_are_refused_with_file_and_line(apps_folder):
    file = apps_folder / "work" / "second" / "app.yml"
    file.write_text(file.read_text().replace("title: B", "title: A"))
    with pytest.raises(TestbedError, match=r"second/app.yml:2: title: 'A' is the title of .*first"):
        catalogue.load(project=apps_folder)


def test_apps_may_share_code(apps_folder):
    work = apps_folder / "work"
    (work / "project").mkdir()
    (work / "project" / "wsgi.py").write_text("")
    (work / "project" / "serve").touch(mode=0o755)
    file = work / "first" / "app.yml"
    own_code = catalogue.load(project=apps_folder).apps_of("work")["first"]
    file.write_text(file.read_text() + "code: ../project\n")
    shared = catalogue.load(project=apps_folder).apps_of("work")["first"]
    assert shared.folder == str((work / "project").resolve())
    assert shared.digest != own_code.digest
    file.write_text(file.read_text() + "# what is served changes with app.yml, too\n")
    assert catalogue.load(project=apps_folder).apps_of("work")["first"].digest != shared.digest


def test_code_that_is_not_there_is_named(apps_folder):
    file = apps_folder / "work" / "first" / "app.yml"
    file.write_text(file.read_text() + "code: ../nowhere\n")
    with pytest.raises(TestbedError, match=r"first/app.yml:9: code: no folder '../nowhere'"):
        catalogue.load(project=apps_folder)


@pytest.mark.parametrize(
    ("path", "segment"),
    [
        ("/p/{x}", "{x} may be '..'"),
        ("/p/.{y}/b", ".{y} may be '..'"),
        ("/p/%2e{y}", "%2e{y} may be '..'"),
        ("/{y}{y}?q={x}", "{y}{y} may be '..'"),
        ("/{y}.{z}", "{y}.{z} may be '..'"),  # z may be empty
        ("/a{x}{y}", None),
        ("/.{x}{n}/?q=/.{y}", None),
    ],
)
def test_drawn_values_make_no_dots_of_a_path(apps_folder, path, segment):
    file = apps_folder / "work" / "workload.yml"
    used = 'headers: {H: "{x}{y}{z}{n}"}'
    draw = 'x: {choices: [.., a]}, y: {choices: [., b]}, z: {choices: ["", c]}, n: {from: 1, to: 2}'
    keys = f"index: {{{used}, draw: {{{draw}}}, "
    file.write_text(file.read_text().replace("index: {", keys, 1))
    app = apps_folder / "work" / "first" / "app.yml"
    app.write_text(app.read_text().replace("index: /index", f'index: "{path}"'))
    if segment is None:
        assert catalogue.load(project=apps_folder).apps_of("work")["first"].spec.endpoints
        return
    with pytest.raises(TestbedError) as caught:
        catalogue.load(project=apps_folder)
    assert f"endpoints.index: {segment}, which clients take out" in str(caught.value)
