"""Sound files with one thing wrong: the error names the file, the key, and why."""

import re

import pytest
from edits import APP, EDITS, EXPERIMENT, WORKLOAD
from edits_of_endpoints import ENDPOINT_EDITS
from edits_of_experiments import EXPERIMENT_EDITS
from edits_of_mixes import MIX_EDITS
from refusals import message_of

ALL = [*EXPERIMENT_EDITS, *EDITS, *ENDPOINT_EDITS, *MIX_EDITS]


def test_the_files_are_sound_before_they_are_edited(fab_run, pack):
    planned = fab_run()
    assert (planned.code, planned.err) == (0, "")
    assert "12 runs" in planned.out
    assert pack().code == 0


def test_there_are_enough_of_each_file():
    assert all(sum(edit.file == file for edit in ALL) > 30 for file in (EXPERIMENT, WORKLOAD, APP))


def check_place(message, path):
    """The message names a line of the file, and a key that stands on it unless it is missing."""
    found = re.search(rf"{re.escape(str(path))}:([0-9]+): (.+?): ", message)
    if found is None:
        assert re.search(rf"{re.escape(str(path))}: not valid YAML: line [1-9]", message), message
    elif "required and missing" not in message:
        line = path.read_text().splitlines()[int(found[1]) - 1]
        key = [part for part in found[2].split(".") if not part.isdigit()][-1]
        is_item = found[2].rpartition(".")[2].isdigit() and line.lstrip().startswith("-")
        assert is_item or key in line, message


@pytest.mark.parametrize(
    "edit",
    ALL,
    ids=lambda edit: f"{edit.file[-14:]}-{edit.new[:40]!r}",
)
def test_one_wrong_thing_is_one_sentence(edit, place, fab_run, pack):
    path = place / edit.file
    text = path.read_text()
    assert edit.old in text
    path.write_text(text.replace(edit.old, edit.new, 1))
    message = message_of(fab_run())
    assert edit.key in message
    assert edit.says in message
    check_place(message, path)
    if edit.file != EXPERIMENT:
        assert str(path) in message
        assert message == f"error: {message_of(pack())}"  # site.yml says the same
