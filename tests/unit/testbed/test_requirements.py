"""What an app's requirements say, with all files that they include, and what is refused."""

import shutil
import tarfile

import pytest

from testbed import bundle
from testbed.asked import catalogue, requirements, versions
from testbed.errors import TestbedError

COMMIT = "0123456789" * 4
SHA256 = "ab" * 32
HASH = f"--hash=sha256:{SHA256}"


@pytest.fixture
def read(tmp_path):
    """Write these files, and read the one that is named first."""

    def reading(**texts):
        for name, text in texts.items():
            path = tmp_path / "code" / name.replace("__", "/")
            path = path if path.suffix else path.with_suffix(".txt")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return requirements.read(tmp_path / "code", f"{next(iter(texts))}.txt")

    return reading


@pytest.mark.parametrize(
    ("text", "pins"),
    [
        ("flask==3.1.0", {"flask": "3.1.0"}),
        ("Flask_Caching == 2.0  # a comment\n\n", {"flask-caching": "2.0"}),
        ("uvicorn[standard]==0.30 ; python_version >= '3.9'",
         {'uvicorn ; python_version >= "3.9"': "0.30"}),
        ("a===1.0-odd", {"a": "1.0-odd"}),
        ("a==1.0,>0.9", {"a": "1.0"}),
        (
            f"a==1 \\\n  {HASH} \\\n  --hash=sha512:{SHA256 * 2}\n# via b\nb==2 {HASH}",
            {"a": "1", "b": "2"},
        ),
        (f"a==1 --hash  sha256:{SHA256.upper()}", {"a": "1"}),
        ("--index-url https://index.example/simple\n--pre\na==1", {"a": "1"}),
        ("-i /srv/simple\n--extra-index-url=https://[::1]:3141/a\na==1", {"a": "1"}),
        ("# --index-url https://${TOKEN}@host/\na==1", {"a": "1"}),
        ("a==1,==1.0\na>=1", {"a": "1"}),
        ("a===1.0-odd\na>1", {"a": "1.0-odd"}),
        (f"a @ https://host/a-1.whl#sha256={SHA256}",
         {"a": f"https://host/a-1.whl#sha256={SHA256}"}),
        (f"a @ https://host/a-1.whl --hash=sha256:{SHA256}", {"a": "https://host/a-1.whl"}),
        (f"a @ git+https://host/a.git@{COMMIT}#subdirectory=x",
         {"a": f"git+https://host/a.git@{COMMIT}#subdirectory=x"}),
        ("\ufeffa==1\r\nb==2\r\n", {"a": "1", "b": "2"}),
        ("# all \\\na==1", {"a": "1"}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_pin_says_what_is_installed(read, text, pins):
    assert read(main=text).pins == pins


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("flask", "pins no version"),
        ("flask>=3", "pins no version"),
        ("flask~=3.1", "pins no version"),
        ("flask==3.*", "pins no version"),
        ("flask!=3.0", "pins no version"),
        ("flask @ https://host/flask.whl", "pins no version"),
        ("flask @ git+https://host/flask.git@main", "pins no version"),
        ("flask @ git+https://host/flask.git", "pins no version"),
        ("-e .", "is editable"),
        ("--editable=git+https://host/x.git#egg=x", "is editable"),
        (".", "is a path"),
        ("./wheels/flask-3.0-py3-none-any.whl", "is a path"),
        ("flask-3.0-py3-none-any.whl", "is a path"),
        ("flask @ file:///srv/flask.whl", "is a path"),
        ("file:///srv/flask.whl", "is a path"),
        (f"https://host/flask.whl#sha256={SHA256}", "is a URL without the package's name"),
        (f"flask @ svn+https://host/flask@{COMMIT}", "is neither of https nor of git"),
        ("-r https://host/requirements.txt", "includes https://host/requirements.txt, which may"),
        ("-c https://host/requirements.txt", "includes https://host/requirements.txt, which may"),
        ("-r other.txt -c constraints.txt", "only one file of a line"),
        ("-r other.txt", r"code/other.txt: no such file"),
        ("-cother.txt", r"code/other.txt: no such file"),
        ("--requirement=../outside.txt", "outside.txt: lies outside of"),
        ("-r .hidden.txt", "hidden.txt: hidden files are not deployed"),
        ("-r main.txt", "includes itself, by way of main.txt"),
        ("-c main.txt", "includes itself, by way of main.txt"),
        ("-r folder.txt", "is a folder, not a file"),
        ("--find-links wheels", "code/wheels: no such file"),
        ("--no-such-option x", "is no line that pip takes"),
        ("-r", "is no line that pip takes"),
        ("-r 'other", "is no line that pip takes"),
        ("flask = 3.1", "is no requirement"),
        ("fl ask==3.1", "is no requirement"),
        ("a==1 --hash=sha256:00", "has the hash sha256:00, which no file can have"),
        (f"a==1 {HASH} --hash=md5:{SHA256}", "has the hash md5:abab.*, which no file can have"),
        ("a==1,==2", "'a==1,==2' contradicts itself"),
        ("a==1,>=2", "'a==1,>=2' contradicts itself"),
        ("wheel>=2", "'wheel>=2' contradicts .*main.txt:1: 'wheel==1.0'"),
        ("-i https://${TOKEN}@host/", r"names \$\{TOKEN\}, which nothing sets where pip installs"),
        ("a==${VERSION}", r"names \$\{VERSION\}, which nothing sets"),
        ("--index-url https://u:$TOKEN@host/", r"names the index .*, which is no URL"),
        ("--extra-index-url host/simple", "names the index host/simple, which is no URL"),
        ("-i https://host:port/simple", "names the index .*, which is no URL"),
        ("a==1 ; " + "(" * 3000, "is no requirement"),
        ("a==1 ; " + "x" * 5000, "is longer than 4,000 characters"),
    ],
)
def test_what_does_not_say_it_is_refused_with_file_and_line(read, tmp_path, line, problem):
    (tmp_path / "outside.txt").write_text("a==1")
    (tmp_path / "code" / "folder.txt").mkdir(parents=True)
    (tmp_path / "code" / ".hidden.txt").write_text("a==1")
    with pytest.raises(TestbedError, match=problem) as error:
        read(main=f"wheel==1.0\n\n{line}\n")
    assert f"{tmp_path}/code/main.txt:3: " in error.value.message
    assert "\n" not in error.value.message
    assert error.value.remedy or "no such file" in problem or "not a file" in problem


def test_every_line_that_pins_nothing_is_named_up_to_five(read):
    with pytest.raises(TestbedError, match=r"main.txt:1: 'a', .*main.txt:5: 'e' and 2 more pin no"):
        read(main="\n".join("abcdefg"))


def test_what_is_included_counts_by_way_of_any_file(read):
    texts = {
        "main": "-r sub/base.txt\n-c pins.txt\nflask\n",
        "sub__base": "-r ../more.txt\njinja2==3.1\n",
        "more": "click==8.1\n",
        "pins": "flask==3.1\nwerkzeug==3.0\n",
    }
    first = read(**texts)
    assert [path.name for path in first.files] == ["main.txt", "base.txt", "more.txt", "pins.txt"]
    assert first.pins == {"click": "8.1", "jinja2": "3.1", "flask": "3.1", "werkzeug": "3.0"}
    for name, text in texts.items():
        changed = read(**(texts | {name: text.replace("3.", "4.") + "new==1\n"}))
        assert changed.digest != first.digest, name


def test_a_hash_counts_too(read):
    first = read(main=f"a==1 {HASH}")
    assert read(main=f"a==1 {HASH.replace('ab', 'cd')}").digest != first.digest


def test_an_unpinned_line_of_an_included_file_is_named_there(read, tmp_path):
    with pytest.raises(TestbedError) as error:
        read(main="-r sub/base.txt\n", sub__base="a==1\nb>2\n")
    assert error.value.message.startswith(f"{tmp_path}/code/sub/base.txt:2: 'b>2' pins no version")


def test_a_constraint_pins_what_is_required_and_has_to_pin_it(read):
    assert read(main="-c pins.txt\na\n", pins="a==1\n").pins == {"a": "1"}
    with pytest.raises(TestbedError, match=r"main.txt:2: 'a' pins no version"):
        read(main="-c pins.txt\na\n", pins="a==1 ; python_version < '3'\n")
    with pytest.raises(TestbedError, match=r"pins.txt:1: 'b<2' pins no version"):
        read(main="-c pins.txt\na==1\n", pins="b<2\n")


def test_two_versions_of_a_package_contradict_each_other(read):
    assert read(main="-r more.txt\na==1.0", more="A==1\n").pins == {"a": "1.0"}
    with pytest.raises(TestbedError, match=r"main.txt:2: 'a==2' contradicts .*more.txt:1: 'A==1'"):
        read(main="-r more.txt\na==2", more="A==1\n")
    two = "a==1 ; python_version < '3'\na==2 ; python_version >= '3'"
    assert len(read(main=two).pins) == 2


def test_files_that_include_each_other_are_told_in_one_sentence(read):
    with pytest.raises(TestbedError, match="includes itself, by way of one.txt, two.txt"):
        read(one="-r two.txt", two="-r one.txt")


def test_a_file_that_two_include_is_read_once(read):
    levels = {f"f{n}": f"-r f{n + 1}.txt\n" * 2 for n in range(30)}
    assert len(read(**levels, f30="a==1").files) == 31


def test_packages_of_a_folder_are_deployed_and_count(read, tmp_path):
    wheels = tmp_path / "code" / "wheels"
    wheels.mkdir(parents=True)
    (wheels / "a-1-py3-none-any.whl").write_bytes(b"\0one")
    first = read(main="--find-links wheels\na==1")
    assert [path.name for path in first.files] == ["main.txt", "a-1-py3-none-any.whl"]
    (wheels / "a-1-py3-none-any.whl").write_bytes(b"\0two")
    assert read(main="--find-links wheels\na==1").digest != first.digest
    assert len(read(main="-f https://host/wheels\na==1").files) == 1


def test_a_link_to_a_folder_is_not_deployed(read, tmp_path):
    (tmp_path / "code" / "real").mkdir(parents=True)
    (tmp_path / "code" / "real" / "a.txt").write_text("a==1")
    (tmp_path / "code" / "link").symlink_to("real")
    with pytest.raises(TestbedError, match="lies behind a link to a folder"):
        read(main="-r link/a.txt")


@pytest.fixture
def apart(apps_folder):
    """An app whose code is in another folder, with requirements of its own beside app.yml."""
    app = apps_folder / "work" / "first"
    code = apps_folder / "work" / "project"
    code.mkdir()
    (code / "service.py").write_text("1")
    (app / "requirements.txt").write_text("-r more/base.txt\n")
    (app / "more").mkdir()
    (app / "more" / "base.txt").write_text("wheel==1.0\n")
    text = (app / "app.yml").read_text().replace("{app}/serve", "/usr/bin/serve")
    (app / "app.yml").write_text(f"{text}code: ../project\nrequirements: requirements.txt\n")
    return app


def of_first(apps_folder):
    return catalogue.load(project=apps_folder).apps_of("work")["first"]


def packed(app, tmp_path):
    made = bundle.deployed(app, catalogue.load().workload("agents"), tmp_path / "out").bundle
    with tarfile.open(made.archive) as tar:
        return made, {member.name: tar.extractfile(member).read() for member in tar}


def test_requirements_are_relative_to_app_yml_also_where_the_code_is_elsewhere(
    apart, apps_folder, tmp_path
):
    made, contents = packed(of_first(apps_folder), tmp_path)
    assert made.requirements == ".requirements/requirements.txt"
    assert contents == {
        "service.py": b"1",
        ".requirements/requirements.txt": b"-r more/base.txt\n",
        ".requirements/more/base.txt": b"wheel==1.0\n",
    }
    (apart / "more" / "base.txt").write_text("wheel==2.0\n")
    again, _ = packed(of_first(apps_folder), tmp_path)
    assert again.digest != made.digest
    assert again.requirements_digest != made.requirements_digest


def test_requirements_with_the_code_are_found_there_as_before(apart, apps_folder, tmp_path):
    for name in ("requirements.txt", "more"):
        shutil.move(apart / name, apps_folder / "work" / "project" / name)
    made, contents = packed(of_first(apps_folder), tmp_path)
    assert made.requirements == "requirements.txt"
    assert set(contents) == {"service.py", "requirements.txt", "more/base.txt"}


def test_those_beside_app_yml_go_first(apart, apps_folder, tmp_path):
    (apps_folder / "work" / "project" / "requirements.txt").write_text("other==1\n")
    made, _ = packed(of_first(apps_folder), tmp_path)
    assert made.requirements == ".requirements/requirements.txt"


def test_a_link_beside_app_yml_that_leads_nowhere_is_refused(apart, apps_folder):
    (apps_folder / "work" / "project" / "requirements.txt").write_text("other==1\n")
    (apart / "requirements.txt").unlink()
    (apart / "requirements.txt").symlink_to("gone.txt")
    with pytest.raises(TestbedError, match=r"requirements\.txt: no such file"):
        of_first(apps_folder)


def test_where_an_apps_folder_lies_does_not_matter(apart, apps_folder, tmp_path):
    first = of_first(apps_folder)
    link = tmp_path / "a" / "longer" / "way"
    link.parent.mkdir(parents=True)
    link.symlink_to(apps_folder)
    assert of_first(link).digest == first.digest


def test_a_line_that_pins_nothing_is_told_when_the_catalogue_is_read(apart, apps_folder):
    (apart / "more" / "base.txt").write_text("wheel\n")
    with pytest.raises(
        TestbedError, match=r"app.yml:\d+: requirements: .*base.txt:1: 'wheel' pins no"
    ):
        of_first(apps_folder)


def test_two_versions_keep_requirements_that_lie_beside_app_yml(apart, apps_folder, tmp_path):
    old = versions.Source.read(apart, "old")
    shutil.copytree(apps_folder / "work", tmp_path / "newer")
    (tmp_path / "newer" / "first" / "more" / "base.txt").write_text("wheel==2.0\n")
    new = versions.Source.read(tmp_path / "newer" / "first", "new")
    told = versions.side_by_side(of_first(apps_folder), old, new)
    assert told.differences == [
        "changed file: ../first/more/base.txt",
        "requirements: wheel: 1.0 → 2.0",
    ]
    place = tmp_path / "both"
    versions.lay_out(place, of_first(apps_folder), told, old, new, None)
    shutil.copy(apps_folder / "work" / "workload.yml", place / "work")
    shutil.copy(apps_folder / "work" / "index.json", place / "work")
    both = catalogue.load(project=place).apps_of("work")
    pins = [
        catalogue.requirements_of(place / "work" / name / "app.yml", app.spec, place).pins
        for name, app in both.items()
    ]
    assert pins == [{"wheel": "2.0"}, {"wheel": "1.0"}]


def test_hashes_are_of_all_lines_or_of_none(tmp_path):
    digest = f"--hash=sha256:{'0' * 64}"
    (tmp_path / "all.txt").write_text(f"wheel==0.45.1 {digest}\nflask==3.1.0 {digest}\n")
    (tmp_path / "limits.txt").write_text("jinja2==3.1.6\n")
    (tmp_path / "some.txt").write_text(f"-c limits.txt\nwheel==0.45.1 {digest}\nflask==3.1.0\n")
    (tmp_path / "sound.txt").write_text(f"-c limits.txt\nwheel==0.45.1 {digest}\n")
    for name in ("all.txt", "sound.txt"):
        assert requirements.read(tmp_path, name).pins["wheel"] == "0.45.1"
    with pytest.raises(TestbedError, match=r"some.txt:3: 'flask==3.1.0' has no hash"):
        requirements.read(tmp_path, "some.txt")


def test_what_cannot_have_a_hash_is_not_among_those_that_do(read):
    git = f"a @ git+https://host/a.git@{COMMIT}"
    assert read(main=git).pins
    for text in (f"b==1 {HASH}\n{git}", f"--require-hashes\n{git}"):
        with pytest.raises(TestbedError, match=r"main.txt:2: .* is of git, which has no hash"):
            read(main=text)
    with pytest.raises(TestbedError, match=r"main.txt:2: 'b==1' has no hash, and --require-hashes"):
        read(main="--require-hashes\nb==1")
