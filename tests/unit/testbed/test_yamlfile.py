"""What is wrong in a YAML file is told by file, line, key and the nearest known key."""

import pytest

from testbed.asked import yamlfile
from testbed.errors import TestbedError
from testbed.model.experiment import Experiment

SOUND = """\
schema_version: 1
title: t
description: d
workload: agents
endpoints: [index]
trials: 1
load:
  mode: constant_rate
  rate_rps: 10
  connections: 1
  threads: 1
  duration_s: 1
  warmup_s: 0
  timeout_s: 1
"""


def problem(tmp_path, text):
    path = tmp_path / "x.yml"
    path.write_text(text)
    with pytest.raises(TestbedError) as caught:
        yamlfile.load(path, Experiment)
    return str(caught.value).replace(str(tmp_path), "")


def test_a_sound_file_is_read(tmp_path):
    path = tmp_path / "x.yml"
    path.write_text(SOUND)
    assert yamlfile.load(path, Experiment).load.rate_rps == 10


def test_malformed_yaml_names_file_and_line(tmp_path):
    text = SOUND.replace("endpoints: [index]", "endpoints: [index")
    assert problem(tmp_path, text).startswith("/x.yml: not valid YAML: line 6, column ")


@pytest.mark.parametrize("line", ["x: {venv}/bin/python service.py", "x: [a] b", "- {app}/x"])
def test_a_text_that_begins_with_a_bracket_takes_quotes(tmp_path, line):
    assert "a text that begins with { or [ takes quotes" in problem(tmp_path, f"{line}\n")


@pytest.mark.parametrize("line", ["x: [a, b", "x: {a: b", "x: {a: 1}, b", "x: 'a"])
def test_other_mistakes_have_no_such_hint(tmp_path, line):
    assert "takes quotes" not in problem(tmp_path, f"{line}\n")


def test_an_unknown_key_names_line_and_nearest_key(tmp_path):
    text = SOUND.replace("  rate_rps: 10", "  rate_rsp: 10")
    assert "/x.yml:9: load.rate_rsp: unknown key; did you mean 'rate_rps'?" in problem(
        tmp_path, text
    )


def test_a_key_repeated_is_an_error(tmp_path):
    assert "/x.yml: not valid YAML: line 15, column 1: key 'trials' stands twice" in problem(
        tmp_path, SOUND + "trials: 3\n"
    )


@pytest.mark.parametrize("line", [r'x: "a\ud83d"', r'"a\ud83d": x'])
def test_half_a_character_is_an_error(tmp_path, line):
    assert r"line 15, column" in problem(tmp_path, f"{SOUND}{line}\n")
    assert r"'a\ud83d' holds half of a character" in problem(tmp_path, f"{SOUND}{line}\n")


def test_a_missing_key_is_named(tmp_path):
    assert "/x.yml:7: load.threads: this key is required and missing" in problem(
        tmp_path, SOUND.replace("  threads: 1\n", "")
    )


def test_a_wrong_value_is_shown(tmp_path):
    text = SOUND.replace("trials: 1", "trials: none")
    assert "/x.yml:6: trials: Input should be a valid integer" in problem(tmp_path, text)
    assert "(found: 'none')" in problem(tmp_path, text)


def test_an_empty_file_is_an_error(tmp_path):
    assert "/x.yml:1: (the whole file): " in problem(tmp_path, "")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TestbedError, match="nothing.yml: no such file"):
        yamlfile.load(tmp_path / "nothing.yml", Experiment)
