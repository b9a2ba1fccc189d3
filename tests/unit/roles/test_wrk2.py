"""The wrk2 role says so if an archive is named that it does not use; nothing is provided here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PLAY = "[{hosts: localhost, gather_facts: false, roles: [wrk2]}]"


@pytest.mark.parametrize("archive", ["/srv/wrk2.tar.gz", ""])
def test_an_archive_that_is_not_used_is_told(tmp_path, archive):
    (tmp_path / "play.yml").write_text(PLAY)
    given = ("testbed_prefix=/nowhere", "wrk2_enabled=false", f"wrk2_archive={archive}")
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "ansible-playbook"),
            *("-i", "localhost,", "-c", "local", str(tmp_path / "play.yml")),
            *(word for text in given for word in ("-e", text)),
        ],
        cwd=ROOT,
        env=os.environ | {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_ROLES_PATH": str(ROOT / "roles")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = " ".join(done.stdout.split())
    assert ("wrk2 is not built from /srv/wrk2.tar.gz" in said) == bool(archive)
    assert ("because `wrk2_enabled` is false: set it to true as well" in said) == bool(archive)
    assert "changed=0" in said
