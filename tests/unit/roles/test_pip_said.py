"""Why pip failed, in a line: what pip 23.0 and 25.1 print, but for the names of folders."""

import pytest

from plugins.module_utils.pip_said import LAST_LINES, summary
from plugins.modules import virtualenvs
from tests.unit.roles.test_local_modules import a_wheel, built

NO_VERSION = """Looking in links: w
ERROR: Could not find a version that satisfies the requirement tiny==9.9 (from versions: {})
ERROR: No matching distribution found for tiny==9.9
"""
TRANSITIVE = """Processing ./w/lone-1.0-py3-none-any.whl (from -r main.txt (line 1))
INFO: pip is looking at multiple versions of lone to determine which version is compatible with \
other requirements. This could take a while.
ERROR: Could not find a version that satisfies the requirement nowhere>=3 (from lone) (from \
versions: 1.0, 2.0)
ERROR: No matching distribution found for nowhere>=3
"""
CONFLICT = """Processing ./w/tiny-1.0-py3-none-any.whl (from -r conflict.txt (line 2))
ERROR: Cannot install -r conflict.txt (line 1) and tiny==1.0 because these package versions have \
conflicting dependencies.

The conflict is caused by:
    The user requested tiny==1.0
    needs 1.0 depends on tiny>=2
    The user requested (constraint) other==1

To fix this you could try to:
1. loosen the range of package versions you've specified
2. remove package versions to allow pip attempt to solve the dependency conflict

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/topics/
"""
PYTHON = """INFO: pip is looking at multiple versions of newer to determine which is compatible.
ERROR: Package 'newer' requires a different Python: 3.11.2 not in '>=3.99'
"""
PYTHON_OF_INDEX = """Looking in indexes: https://index.example/simple
ERROR: Ignored the following versions that require a different python version: 1.9 \
Requires-Python >=3.98; 2.0 Requires-Python >=3.99
ERROR: Could not find a version that satisfies the requirement newer==2.0 (from versions: 1.0)
ERROR: No matching distribution found for newer==2.0
"""
WRONG_HASH = """Processing ./w/tiny-1.0-py3-none-any.whl (from -r main.txt (line 1))
ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the \
package versions, please update the hashes. Otherwise, examine the package contents carefully; \
someone may have tampered with them.
    tiny==1.0 from file:///w/tiny-1.0-py3-none-any.whl (from -r main.txt (line 1)):
        Expected sha256 abababababababababababababababababababababababababababababababab
             Got        22c16f94a447cb1e3d717088b19efa705e16a8e849561d19cc2d78ea9bd160c4

"""
NO_HASH = """ERROR: Hashes are required in --require-hashes mode, but they are missing from some \
requirements. Here is a list of those requirements along with the hashes their downloaded archives \
actually had. Add lines like these to your requirements files to prevent tampering.
    needs==1.0 --hash=sha256:e65e8d849d5a895e98464540f3957a72f9a517e237e4e38ca1bf6b65deb2e44d
"""
UNREACHABLE = """Looking in indexes: https://index.example/simple
WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after \
connection broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at \
0x7f8d910a1d10>: Failed to establish a new connection: [Errno 111] Connection refused')': \
/simple/tiny/
ERROR: Could not find a version that satisfies the requirement tiny==1.0 (from versions: none)
ERROR: No matching distribution found for tiny==1.0
"""
BROKEN = """Processing ./w/broken-1.0.tar.gz
  Preparing metadata (setup.py): started
  Preparing metadata (setup.py): finished with status 'error'
  error: subprocess-exited-with-error

  \u00d7 python setup.py egg_info did not run successfully.
  │ exit code: 1
  ╰─> [2 lines of output]
      running egg_info
      no pg_config here
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed
"""
NOT_FETCHED = """Collecting a@ git+https://host/a.git@0101010101010101010101010101010101010101
  Running command git clone --filter=blob:none --quiet https://host/a.git a_a9577764f87c4113
  fatal: unable to access 'https://host/a.git/': Could not resolve host: host
  error: subprocess-exited-with-error

  \u00d7 git clone --filter=blob:none --quiet https://host/a.git a_a957776 did not run successfully.
  │ exit code: 128
  ╰─> See above for output.
"""
NO_GIT = """Collecting a@ git+https://host/a.git@0101010101010101010101010101010101010101
  ERROR: Error [Errno 2] No such file or directory: 'git' while executing command git version
ERROR: Cannot find command 'git' - do you have 'git' installed and in your PATH?
"""
NO_SPACE = """Collecting tiny==1.0
ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device
"""
BROKE_OFF = """Collecting tiny==1.0
ERROR: Exception:
Traceback (most recent call last):
  File "resolver.py", line 92, in resolve
ModuleNotFoundError: No module named 'setuptools'
"""
# pip does not say which of these it is, even where the index answers 401
INDEX = (
    "the package index shows no version of it: it has none, or none for this host's Python and "
    "CPU, or it refuses this host"
)


UNREACHABLE_URL = """Collecting tiny@ https://host.example/tiny-1.0-py3-none-any.whl
  WARNING: Retrying (Retry(total=0, connect=None)) after connection broken by \
'NewConnectionError('<HTTPSConnection object>: [Errno 111] Connection refused')'
ERROR: Exception:
Traceback (most recent call last):
  File "urllib3/connection.py", line 174, in _new_conn
pip._vendor.requests.exceptions.ConnectionError: HTTPSConnectionPool(host='host.example', \
port=443): Max retries exceeded
"""
NO_FILE = """Collecting tiny@ https://host.example/tiny-1.0-py3-none-any.whl
  ERROR: HTTP error 404 while getting https://host.example/tiny-1.0-py3-none-any.whl
ERROR: Could not install requirement tiny@ https://host.example/tiny-1.0-py3-none-any.whl from \
https://host.example/tiny-1.0-py3-none-any.whl because of HTTP error 404 Client Error: Not Found \
for url: https://host.example/tiny-1.0-py3-none-any.whl for URL \
https://host.example/tiny-1.0-py3-none-any.whl
"""
NO_ENSUREPIP = """The virtual environment was not created successfully because ensurepip is not
available.  On Debian/Ubuntu systems, you need to install the python3-venv
package using the following command.

    apt install python3.13-venv

You may need to use sudo with that command.

Failing command: /opt/testbed/venvs/x/bin/python3.13
"""
NOT_BUILT_OLD = """Collecting tiny==1.0 (from -r main.txt (line 1))
  error: subprocess-exited-with-error

  \u00d7 python setup.py egg_info did not run successfully.
  \u2502 exit code: 1
  \u2570\u2500> [3 lines of output]
      Traceback (most recent call last):
        File "setup.py", line 23, in <module>
      ValueError: invalid mode: 'U'
      [end of output]
"""
# pip goes on to build the others
NOT_BUILT_OF_SEVERAL = """Collecting psycopg2==2.9.9
Collecting uvloop==0.19.0
Building wheels for collected packages: psycopg2, uvloop
  Building wheel for psycopg2 (pyproject.toml): started
  Building wheel for psycopg2 (pyproject.toml): finished with status 'error'
  error: subprocess-exited-with-error

  \u00d7 Building wheel for psycopg2 (pyproject.toml) did not run successfully.
  \u2502 exit code: 1
  \u2570\u2500> [4 lines of output]
{}
      [end of output]

  ERROR: Failed building wheel for psycopg2
  Building wheel for uvloop (pyproject.toml): started
  Building wheel for uvloop (pyproject.toml): finished with status 'done'
Failed to build psycopg2
"""
ADVICE = """      Error: pg_config executable not found.

      For further information please check the 'doc/src/install.rst' file (also at
      <https://www.psycopg.org/docs/install.html>)."""
NO_HEADER = """      a.c:1:10: fatal error: Python.h: No such file or directory
      compilation terminated.
      error: command '/usr/bin/gcc' failed with exit code 1"""
NO_CARGO = """      Cargo, the Rust package manager, is not installed or is not on PATH.
      This package requires Rust and Cargo to compile extensions.
      Checking for Rust toolchain...."""


@pytest.mark.parametrize(
    ("inner", "why"),
    [
        (ADVICE, "Error: pg_config executable not found."),
        (NO_HEADER, "a.c:1:10: fatal error: Python.h: No such file or directory"),
        (NO_CARGO, "Cargo, the Rust package manager, is not installed or is not on PATH."),
        ("      Collecting cython==3.0\n      a\n      b", "b"),
    ],
)
def test_the_package_that_cannot_be_built_is_named_and_what_it_lacks(inner, why):
    assert summary(NOT_BUILT_OF_SEVERAL.format(inner)) == (
        f"psycopg2: there is no package for this host, and it cannot be built: {why}"
    )


@pytest.mark.parametrize(
    ("printed", "told"),
    [
        (NO_VERSION.format("1.0"), "tiny==9.9: there is no such version; there is 1.0"),
        (NO_VERSION.format("1.0, 1.1, 2.0"),
         "tiny==9.9: there is no such version; there are 2.0, 1.1, 1.0"),
        (NO_VERSION.format(", ".join(map(str, range(1, 41)))),
         "tiny==9.9: there is no such version; of 40 the newest are 40, 39, 38, 37, 36"),
        (NO_VERSION.format("none"), f"tiny==9.9: {INDEX}"),
        (TRANSITIVE,
         "nowhere>=3, which lone needs: there is no such version; there are 2.0, 1.0"),
        (CONFLICT, "versions contradict each other: the requirements say tiny==1.0, "
         "needs 1.0 depends on tiny>=2, a constraint says other==1"),
        (PYTHON, "newer: needs Python >=3.99; this host has 3.11.2"),
        (PYTHON_OF_INDEX, "newer==2.0: needs Python >=3.99; there is 1.0"),
        (WRONG_HASH,
         "tiny==1.0: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE"),
        (NO_HASH, "needs==1.0: has no hash in the requirements, as others have; "
         "`uv pip compile --generate-hashes` (or pip-compile) writes all of them"),
        (UNREACHABLE, "tiny==1.0: the package index cannot be reached: [Errno 111] Connection "
         "refused (`pip config list` names it)"),
        (BROKEN, "broken-1.0.tar.gz: there is no package for this host, and it cannot be built: "
         "no pg_config here"),
        (NOT_FETCHED, "a: git cannot fetch it: fatal: unable to access 'https://host/a.git/': "
         "Could not resolve host: host"),
        (NO_GIT, "a: git is missing on the host; name it in apt_packages of app.yml"),
        (NO_SPACE, "tiny==1.0: [Errno 28] No space left on device"),
        (UNREACHABLE_URL, "tiny: its URL cannot be reached: [Errno 111] Connection refused"),
        (NO_FILE, "tiny: its URL answers 404 Client Error: Not Found"),
        (NO_ENSUREPIP, "its Python lacks the module ensurepip (Debian package python3.13-venv): "
         "install it on the host"),
        (NOT_BUILT_OLD, "tiny==1.0: there is no package for this host, and it cannot be built: "
         "ValueError: invalid mode: 'U'"),
        (BROKE_OFF, "tiny==1.0: pip broke off: ModuleNotFoundError: No module named 'setuptools'"),
        ("", ""),
    ],
)  # fmt: skip
def test_a_failure_is_one_line(printed, told):
    assert summary(printed) == told


def test_of_an_unknown_output_the_last_lines_are_told():
    lines = [f"line {number}" for number in range(40)]
    assert summary("\n".join(lines)).splitlines() == lines[-LAST_LINES:]


def test_pip_as_it_is_here_is_understood_and_the_rest_is_in_a_file(tmp_path, monkeypatch):
    a_wheel(tmp_path)
    (failed,), _, _ = built(tmp_path, tmp_path, {"shop": "tiny==9.9\n"}, monkeypatch)
    log = tmp_path / "venvs" / f"shop-{'1' * 12}" / virtualenvs.LOG
    assert failed == (
        "shop: tiny==9.9: there is no such version; there is 1.0 "
        f"(all that was printed: {log})"
    )  # fmt: skip
    assert "No matching distribution found" in log.read_text()


def test_passwords_in_urls_are_neither_told_nor_logged():
    said = "Looking in https://me:word@host/simple, git+https://TOKEN@host/a.git@0123"
    printed = virtualenvs.run(["sh", "-c", f"echo '{said}'; false"])
    assert printed == "Looking in https://****@host/simple, git+https://****@host/a.git@0123\n"


def test_what_pip_added_is_named(tmp_path):
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for name in ("Flask_Caching-2.0.dist-info", "werkzeug-3.1.dist-info", "werkzeug"):
        (site / name).mkdir(parents=True)
    assert virtualenvs.unlisted(tmp_path, ["flask-caching"]) == ["werkzeug==3.1"]
    assert virtualenvs.unlisted(tmp_path, ["flask-caching", "werkzeug"]) == []
    assert virtualenvs.unlisted(tmp_path, None) == []
