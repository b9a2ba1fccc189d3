"""Test the wrk2 role with a stand-in: a project that builds a program which prints like wrk2."""

import io
import tarfile

import pytest

from tests.lab.test_provisioning import recap

PROGRAM = """\
#!/bin/sh
echo 'Usage: wrk <options> <url>'
echo '    -c, --connections <N>  Connections to keep open'
{rate}
exit 1
"""
RATE = "echo '    -R, --rate        <T>  work rate (throughput)'"
MAKEFILE = "wrk: wrk.sh\n\tcp wrk.sh wrk && chmod +x wrk\n"
INSTALLED = "/opt/testbed/bin/wrk2"
# The role knows no apps, and to read and pack them takes half of the CPU time of such a play
NO_APPS = '{"testbed_deployment": {"programs": {"upstream": {}, "pacer": {}}}}'


def pack(path, files, top="wrk2-main/"):
    """Make an archive of text files, packed as by a Git forge."""
    with tarfile.open(path, "w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(top + name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return path


@pytest.fixture
def client(provisioned, ssh):
    """A function that applies the role to the client host. What it left is removed afterwards."""

    def apply(commit, *, check=True, **variables):
        settings = {"wrk2_enabled": True, "wrk2_commit": commit, "wrk2_packages": "make"}
        words = [f"{name}={value}" for name, value in (settings | variables).items()]
        given = [word for text in words for word in ("-e", text)]
        play = ["playbooks/client.yml", "--tags=wrk2", "-e", NO_APPS]
        return provisioned.run("ansible-playbook", *play, *given, check=check)

    yield apply
    ssh("client", f"rm -rf {INSTALLED} /opt/testbed/src/wrk2-*")


def said(done):
    """Return what Ansible printed, with long lines unfolded."""
    return " ".join(done.stdout.split())


def counts(done):
    (host,) = recap(done.stdout).values()
    return host


@pytest.mark.parametrize("top", ["wrk2-main/", ""])
def test_an_archive_is_built_run_and_installed_beside_wrk(client, ssh, tmp_path, top):
    files = {"Makefile": MAKEFILE, "wrk.sh": PROGRAM.format(rate=RATE)}
    archive = pack(tmp_path / "wrk2.tar.gz", files, top)
    assert counts(client("1111", wrk2_archive=archive))["changed"] > 0
    assert "--rate" in ssh("client", f"{INSTALLED}; true")
    assert ssh("client", "command -v wrk") == "/usr/bin/wrk"
    again = counts(client("1111", wrk2_archive=archive))
    assert (again["changed"], again["failed"]) == (0, 0)


def broken(folder, kind):
    path = folder / "wrk2.tar.gz"
    if kind == "no archive":
        path.write_text("<html>404 not found</html>")
        return path
    files = {
        "no Makefile": {"README": "nothing to see"},
        "does not build": {"Makefile": "wrk:\n\tfalse\n"},
        "is plain wrk": {"Makefile": MAKEFILE, "wrk.sh": PROGRAM.format(rate="")},
    }
    return pack(path, files[kind])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("no archive", "Failed to find handler"),
        ("no Makefile", "holds no Makefile"),
        ("does not build", "make: *** [Makefile:2: wrk] Error 1"),
        ("is plain wrk", "has no option -R"),
    ],
)
def test_a_broken_archive_is_told_and_left_behind(client, ssh, tmp_path, kind, message):
    done = client("2222", wrk2_archive=broken(tmp_path, kind))
    assert "wrk2 could not be built: " in said(done)
    assert message in said(done)
    assert "arm64" in said(done)
    assert "`generator: auto` takes pacer" in said(done)
    assert counts(done)["failed"] == 0
    assert ssh("client", f"ls -d {INSTALLED} /opt/testbed/src/wrk2-2222 2>/dev/null; true") == ""


def test_a_broken_archive_is_fatal_where_wrk2_is_required(client, tmp_path):
    archive = broken(tmp_path, "no Makefile")
    done = client("2222", wrk2_archive=archive, wrk2_required=True, check=False)
    assert done.returncode != 0
    assert counts(done)["failed"] == 1
    assert "wrk2 could not be built: " in said(done)


def test_a_repository_out_of_reach_is_told_or_fatal(client, lab):
    nowhere = f"http://{lab.client.bench_address}:9/wrk2.git"
    done = client("3333", wrk2_repository=nowhere)
    assert f"{lab.name}-client does not reach {nowhere}" in said(done)
    assert "`wrk2_archive`" in said(done)
    assert (counts(done)["failed"], counts(done)["changed"]) == (0, 0)
    done = client("3333", wrk2_repository=nowhere, wrk2_required=True, check=False)
    assert done.returncode != 0
    assert counts(done)["failed"] == 1
