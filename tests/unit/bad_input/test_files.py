"""Files that are no files, no text, missing, outside or too large, wherever one is named."""

import os
import shutil
import socket

import pytest
from edits import APP, EXPERIMENT, WORKLOAD
from refusals import message_of

YAML_FILES = [EXPERIMENT, WORKLOAD, APP]
JSON_FILE = "own/shop/expected/product.json"
BODY_FILE = "own/shop/sent/order.json"
TEXT_FILES = [*YAML_FILES, JSON_FILE, BODY_FILE, "own/shop/dataset.sql", "own/shop/reset.sql"]
CODE = "own/shop/catalogue"


def name_of(one):
    return getattr(one, "__name__", "")


def refused(fab_run, pack, file, *parts):
    """The message, which names the file; site.yml refuses it with the same."""
    message = message_of(fab_run())
    assert all(part in message for part in parts), message
    if file != EXPERIMENT:
        assert message == f"error: {message_of(pack())}"
    return message


CONTENTS = [
    ("\N{LATIN SMALL LETTER O WITH DIAERESIS}".encode("latin-1") + b"\n", "not UTF-8 (byte 0xf6)"),
    (b"\xff\xfea\0b\0", "is UTF-16"),
    (b"\xfe\xff\0a\0b", "is UTF-16"),
    (b"\xff\xfe\0\0a\0\0\0", "is UTF-32"),
    (b"\x7fELF\x02\0\0", "null byte"),
    (b"\x89PNG\r\n\x1a\n", "not UTF-8"),
    (b"a\0b", "null byte"),
    (b"\xc0\x80", "not UTF-8"),
    (b"\xed\xa0\x80", "not UTF-8"),
    (bytes(range(128, 256)), "not UTF-8"),
]


@pytest.mark.parametrize("file", TEXT_FILES)
@pytest.mark.parametrize(("content", "says"), CONTENTS, ids=range(len(CONTENTS)))
def test_what_is_no_utf8_is_named(file, content, says, place, fab_run, pack):
    (place / file).write_bytes(content)
    message = message_of(fab_run())
    assert str(place / file) in message
    assert says in message
    if file != EXPERIMENT:
        assert message == f"error: {message_of(pack())}"


def test_the_line_of_a_wrong_byte_is_told(place, fab_run):
    path = place / EXPERIMENT
    text = path.read_text().replace("How many workers?", "Größe")
    path.write_bytes(text.encode("latin-1"))
    assert f"{path}:2: is not UTF-8 (byte 0xf6)" in message_of(fab_run())


@pytest.mark.parametrize("file", TEXT_FILES)
def test_a_mark_and_other_line_ends_are_taken(file, place, fab_run, pack):
    text = (place / file).read_text()
    (place / file).write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode())
    assert fab_run().code == 0
    assert pack().code == 0


def _folder(path):
    path.mkdir()


def _pipe(path):
    os.mkfifo(path)


def _device(path):
    path.symlink_to("/dev/zero")


def _broken(path):
    path.symlink_to("nothing")


def _circle(path):
    path.symlink_to(path.name)


def _large(path):
    with path.open("wb") as stream:
        stream.truncate(1 << 30)


OTHERS = [
    (_folder, "is a folder"),
    (_pipe, "is a pipe"),
    (_device, "is a device"),
    (_broken, "no such file"),
    (_circle, "levels of symbolic links"),
    (_large, "too large"),
]


@pytest.mark.parametrize("file", [EXPERIMENT, WORKLOAD])
@pytest.mark.parametrize(("make", "says"), OTHERS, ids=name_of)
def test_what_is_no_file_is_named_and_not_waited_for(file, make, says, place, fab_run, pack):
    path = place / file
    path.unlink()
    make(path)
    refused(fab_run, pack, file, str(path), says)


@pytest.mark.parametrize("file", [JSON_FILE, BODY_FILE, "own/shop/dataset.sql"])
@pytest.mark.parametrize(("make", "says"), OTHERS, ids=name_of)
def test_the_same_of_files_that_a_workload_names(file, make, says, place, fab_run, pack):
    path = place / file
    path.unlink()
    make(path)
    says = {"is a device": "outside", "levels of symbolic links": ""}.get(says, says)
    refused(fab_run, pack, file, str(place / WORKLOAD), path.name, says)


@pytest.mark.parametrize("file", [JSON_FILE, BODY_FILE, "own/shop/reset.sql"])
def test_a_link_that_leads_outside_is_refused(file, place, fab_run, pack):
    (place / "secret").write_text("{}")
    (place / file).unlink()
    (place / file).symlink_to(place / "secret")
    refused(fab_run, pack, file, str(place / file), "lies outside of")


def test_a_folder_that_leads_outside_is_refused(place, fab_run, pack):
    shutil.move(place / "own/shop/expected", place / "elsewhere")
    (place / "own/shop/expected").symlink_to(place / "elsewhere")
    refused(fab_run, pack, JSON_FILE, "lies outside of")


DOCUMENTS = [
    ("", "not a JSON document"),
    ("{", "not a JSON document"),
    ("{} {}", "not a JSON document"),
    ("{'a': 1}", "not a JSON document"),
    ('{"a": NaN}', "NaN is no number"),
    ('{"a": -Infinity}', "-Infinity is no number"),
    ('{"a": 1e999}', "too large a number"),
    ('{"a": ' + "9" * 5000 + "}", "5,000 digits"),
    ('{"a": 1, "a": 2}', "'a' stands twice"),
    ("[" * 200 + "]" * 200, "nested"),
    ("[" * 100_000, "nested"),
    ('{"a":' * 100_000, "nested"),
    ('"' + "x" * (17 << 20) + '"', "too large"),
]


@pytest.mark.parametrize(("text", "says"), DOCUMENTS, ids=range(len(DOCUMENTS)))
def test_an_expected_document_is_sound_json(text, says, place, fab_run, pack):
    (place / JSON_FILE).write_text(text)
    refused(fab_run, pack, JSON_FILE, "endpoints.product", str(place / JSON_FILE), says)


def test_a_body_is_what_a_command_line_takes(place, fab_run, pack):
    (place / BODY_FILE).write_text("x" * 70_000)
    refused(fab_run, pack, BODY_FILE, "endpoints.order", "too large")


def _link_outside(code):
    (code / "secrets.py").symlink_to("/etc/hostname")


def _link_to_a_folder(code):
    (code / "package").mkdir()
    (code / "same").symlink_to("package")


def _link_broken(code):
    (code / "gone.py").symlink_to("nothing.py")


def _link_circle(code):
    (code / "round.py").symlink_to("round.py")


def _link_folder_circle(code):
    (code / "round").symlink_to(".")


def _code_pipe(code):
    os.mkfifo(code / "pipe")


def _code_socket(code):
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(code, os.O_PATH)  # a socket's path is at most 108 bytes
        listener.bind(f"/proc/self/fd/{here}/socket")
        os.close(here)


def _code_name(code):
    (code / "a\nb.py").write_text("")


def _code_bytes(code):
    with open(os.fsencode(code) + b"/\xff.py", "wb"):  # noqa: PTH123 - a name that is no text
        pass


def _code_large(code):
    _large(code / "data.bin")


def _code_many(code):
    for number in range(10_001):
        (code / f"{number}.txt").touch()


CODES = [
    (_link_outside, "secrets.py", "outside of the app's code"),
    (_link_to_a_folder, "same", "a link to a folder"),
    (_link_broken, "gone.py", "No such file"),
    (_link_circle, "round.py", "remove it"),
    (_link_folder_circle, "round", "a link to a folder"),
    (_code_pipe, "pipe", "is a pipe"),
    (_code_socket, "socket", "is a socket"),
    (_code_name, r"a\nb.py", "printable characters"),
    (_code_bytes, r"\udcff.py", "printable characters"),
    (_code_large, "catalogue", "are the most that is deployed"),
    (_code_many, "catalogue", "more than 10,000 files"),
]


@pytest.mark.parametrize(("make", "name", "says"), CODES, ids=name_of)
def test_code_that_cannot_be_deployed_is_named(make, name, says, place, fab_run, pack):
    make(place / CODE)
    refused(fab_run, pack, APP, str(place / APP), name, says)


def test_hidden_files_caches_and_links_within_are_no_matter(place, fab_run, pack):
    code = place / CODE
    os.mkfifo(code / ".pipe")
    (code / ".venv").mkdir()
    (code / ".venv" / "python").symlink_to("/usr/bin/python3")
    (code / "__pycache__").mkdir()
    (code / "same.py").symlink_to("service.py")
    assert fab_run().code == 0
    assert pack().code == 0


def test_an_app_s_folder_may_be_a_link(place, fab_run, pack):
    shutil.move(place / CODE, place / "elsewhere")
    (place / CODE).symlink_to(place / "elsewhere")
    assert fab_run().code == 0
    assert pack().code == 0


def test_code_beside_the_app_s_folder_may_not_lead_outside(place, fab_run, pack):
    (place / "elsewhere").mkdir()
    (place / "own/shop/project").symlink_to(place / "elsewhere")
    path = place / APP
    path.write_text(path.read_text().replace("code: .", "code: ../project"))
    refused(fab_run, pack, APP, str(path), "code: '../project' leads to", "outside")


@pytest.mark.parametrize(
    "name", ["My-App", "my-app", "app 1", "a" * 32, "größe", "a\nb", "\x1b[2J"]
)
def test_folders_that_name_apps_and_workloads_are_names(name, place, fab_run, pack):
    shutil.copytree(place / CODE, place / "own/shop" / name)
    refused(fab_run, pack, APP, "the app is named after this folder", "must be a name")
    shutil.rmtree(place / "own/shop" / name)
    shutil.copytree(place / "own/shop", place / "own" / name)
    refused(fab_run, pack, APP, "the workload is named after this folder", "must be a name")


def test_a_name_that_nearly_is_one_is_told_how_it_would_be(place, fab_run, pack):
    shutil.move(place / CODE, place / "own/shop/my-app")
    refused(fab_run, pack, APP, "'my_app' is one")


def test_an_app_file_that_is_none_is_named(place, fab_run, pack):
    path = place / APP
    path.unlink()
    path.mkdir()
    refused(fab_run, pack, APP, f"{path}: is a folder")


def _own_missing(place):
    return place / "nothing"


def _own_file(place):
    return place / EXPERIMENT


def _own_empty(place):
    (place / "empty").mkdir()
    return place / "empty"


def _own_circle(place):
    (place / "round").symlink_to("round")
    return place / "round"


def _own_circles_within(place):
    (place / "odd").mkdir()
    (place / "odd" / "round").symlink_to("round")
    (place / "odd" / "up").symlink_to("..")
    return place / "odd"


def _own_pipe(place):
    os.mkfifo(place / "pipe")
    return place / "pipe"


def _own_long(place):
    return place / ("x" * 300)


def _own_project(place):
    return place / "apps"


OWNS = [
    (_own_missing, "no such folder"),
    (_own_file, "is no folder"),
    (_own_empty, "no workload.yml below this folder"),
    (_own_circle, "round: "),
    (_own_circles_within, "odd"),
    (_own_pipe, "is no folder"),
    (_own_long, "name too long"),
    (_own_project, "there is a workload 'work' already"),
    (lambda place: "", "names no folder"),
]


@pytest.mark.parametrize(("make", "says"), OWNS)
def test_an_apps_folder_that_is_none_is_named(make, says, place, fab_run, pack):
    own = make(place)
    message = message_of(fab_run(apps_path=str(own)))
    packed = message_of(pack(own))
    if str(own):
        assert message == f"error: {packed}"
        assert says.lower() in message.lower()
    else:
        assert "--apps-path" in message
        assert says in packed
