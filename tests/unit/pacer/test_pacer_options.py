"""Bad options are refused in one line, before anything is sent."""

import io
import resource
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from pacer.arguments import BadOption
from pacer.options import Options, parse, raise_file_limit
from pacer.plan import Plan, split

GOOD = ["--url", "http://127.0.0.1:1/", "--rate", "10", "--connections", "4", "--duration", "1"]
SHA256 = "AB" * 32
TIMES = ("--duration", "--warmup", "--timeout")


def sent(options: Options) -> bytes:
    """Return the bytes of the request that is sent again and again."""
    (recipe,) = options.recipes
    assert recipe.fixed is not None
    return recipe.fixed


def test_defaults() -> None:
    options = parse(GOOD)
    assert (options.rate_rps, options.connections, options.duration_s) == (10, 4, 1)
    assert (options.warmup_s, options.timeout_s, options.processes) == (0, 5, 1)
    assert (options.method, options.keepalive, options.arrivals) == ("GET", True, "constant")
    assert options.files == []


def test_a_body_makes_it_a_post(tmp_path: Path) -> None:
    (tmp_path / "body").write_bytes(b"\xff\x00")
    options = parse([*GOOD, "--body-file", str(tmp_path / "body"), "--header", "A: b"])
    assert options.method == "POST"
    assert sent(options).endswith(b"A: b\r\n\r\n\xff\x00")
    assert sent(parse([*GOOD, "--body", "x", "--method", "PUT"])).startswith(b"PUT / ")
    assert sent(parse([*GOOD, "--method", "purge"])).startswith(b"purge / ")  # nobody's but theirs
    right = parse([*GOOD, "--body", "four", "--header", "content-length: 4"])
    assert sent(right).lower().count(b"content-length: 4\r\n") == 1


def test_an_empty_body_is_one() -> None:
    for given in (["--body", ""], ["--body-file", "/dev/null"]):
        assert sent(parse([*GOOD, *given])).startswith(b"POST / ")
        assert b"Content-Length: 0\r\n" in sent(parse([*GOOD, *given]))


def test_a_file_named_as_a_hyphen_is_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    def given(content: bytes) -> None:
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))

    given(b"\xff\x00")
    assert sent(parse([*GOOD, "--body-file", "-"])).endswith(b"\r\n\r\n\xff\x00")
    given(b'{"schema_version": 1, "requests": [{"name": "a", "path": "/a", "body": ""}]}')
    assert sent(parse([*GOOD, "--requests", "-"])).startswith(b"POST /a ")
    given(b"{")
    with pytest.raises(BadOption, match="--requests /dev/stdin: it is not JSON"):
        parse([*GOOD, "--requests", "-"])
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(BadOption, match="standard input is closed"):
        parse([*GOOD, "--body-file", "-"])


def test_a_seed_is_drawn_so_that_it_can_be_reported() -> None:
    assert parse([*GOOD, "--arrivals", "poisson"]).seed is not None
    assert parse([*GOOD, "--arrivals", "poisson", "--seed", "0"]).seed == 0
    assert parse(GOOD).seed is None


@pytest.mark.parametrize(
    ("extra", "words"),
    [
        (["--processes", "5"], r"fewer connections \(4\) than processes \(5\)"),
        (["--rate", "0"], "--rate"),
        (["--rate", "nan"], "--rate"),
        (["--rate", "1e9"], "--rate"),
        (["--rate", "1e-300"], "--rate 1e-300: at least 0.000001, at most 1000000"),
        *(([option, "1e300"], f"{option} 1e.300: at most") for option in TIMES),
        *(([option, "1e16"], f"{option} 1e.16: at most") for option in TIMES),
        (["--good-within", "1e308"], "--good-within 1e.308: at least 0.001, at most 1000000000"),
        (["--good-within", "1e-9"], "--good-within 1e-09: at least 0.001"),
        *((["--good-within", value], "--good-within") for value in ("0", "-1", "nan", "true", "")),
        (["--timeout-from", "now"], "invalid choice"),
        (["--connections", "9" * 5000], "--connections: invalid integer"),
        (["--rate", "fast"], "invalid number value: 'fast'"),
        (["--rate", "1_0"], "invalid number value: '1_0'"),
        (["--connections", "1_0"], "invalid integer value: '1_0'"),
        (["--duration", "-1"], "--duration"),
        (["--duration", "inf"], "--duration"),
        (["--warmup", "-1"], "--warmup"),
        (["--timeout", "0"], "--timeout"),
        (["--connections", "0"], "--connections"),
        (["--processes", "0"], "--processes"),
        (["--check-every", "0"], "--check-every"),
        (["--processes", "1000", "--connections", "1000"], "--processes"),
        (["--url", "ftp://host/"], r"http\[s\]://HOST"),
        (["--url", "https://.app/", "--unix-socket", "a"], "no certificate is of '.app': .*empty"),
        (["--url", f"https://{'a' * 64}/"], "no certificate is of 'a+': .*too long"),
        (["--header", "nocolon"], "bad header"),
        (["--method", "G T"], "bad method"),
        (["--method", ""], "bad method ''"),
        (["--method", "connect"], "tunnel"),
        (["--header", "Host: a", "--header", "HOST: b"], "'Host: b': a request has one"),
        (["--ca-file", ""], "--ca-file"),
        (["--url", "https://host/", "--ca-file", ""], "--ca-file: names no file"),
        (["http://me:word@host/"], r"unrecognized arguments: http://\*\*\*\*@host/"),
        (["--json", "http://me:word@host/x"], r"cannot write http:/\*\*\*\*@host/x: No such"),
        (["--method", "get"], "bad method 'get': .*write it in capitals"),
        (["--method", "Patch", "--body", "x"], "that is not PATCH"),
        (["--method", "CONNECT"], "tunnel"),
        (["--header", "content-length: 5"], "'Content-Length: 5': 0 bytes are sent"),
        (["--body", "four", "--header", "Content-Length: 5"], "4 bytes are sent"),
        (["--body", "four", *(["--header", "Content-Length: 4"] * 2)], "4 bytes are sent"),
        (["--body", "four", "--header", "Transfer-Encoding: chunked"], "pacer sends bodies as"),
        (["--header", "A: b\x01"], "other control characters"),
        (["--json", "-", "--hdr", "-"], "another file of this run has that name"),
        (["--body", "a", "--body-file", "b"], "not allowed with"),
        (["--body-file", "/nonexistent"], "No such file"),
        (["--body-file", "/dev/zero"], "more than 67,108,864 bytes"),
        (["--body-file", "/"], "Is a directory"),
        (["--expect-length", "-1"], "--expect-length"),
        (["--expect-sha256", "abc"], "--expect-sha256"),
        (["--expect-sha256", ""], "--expect-sha256"),
        (["--arrivals", "weekly"], "invalid choice"),
        (["--seed", "1"], "--seed"),
        (["--json", "/nonexistent/file"], "cannot write"),
        (["--hdr", "/"], "cannot write"),
        (["--conections", "4"], "unrecognized arguments"),
    ],
)
def test_bad_options(extra: list[str], words: str) -> None:
    with pytest.raises(BadOption, match=words):
        parse([*GOOD, *extra])


@pytest.mark.parametrize("url", ["https://Host./", "https://host:9/"])
def test_the_name_that_a_certificate_has(url: str) -> None:
    trust = parse([*GOOD, "--url", url]).trust
    assert trust is not None
    assert trust.host == "host"


def test_missing_options() -> None:
    with pytest.raises(BadOption, match="--connections, --duration"):
        parse(["--url", "http://host/"])
    words = ["--url", "http://host/", "--connections", "1", "--duration", "1"]
    with pytest.raises(BadOption, match="--rate --closed is required"):
        parse(words)
    with pytest.raises(BadOption, match="--closed: not allowed with argument --rate"):
        parse([*words, "--rate", "1", "--closed"])


@pytest.mark.parametrize(
    ("word", "meant"),
    [("constant", "constant"), ("deterministic", "constant"), ("poisson", "poisson")],
)
def test_arrivals(word: str, meant: str) -> None:
    options = parse([*GOOD, "--arrivals", word])
    assert options.arrivals == meant
    assert (options.seed is not None) == (meant == "poisson")


def test_a_closed_loop_has_no_arrivals() -> None:
    words = ["--url", "http://host/", "--connections", "1", "--duration", "1", "--closed"]
    options = parse(words)
    assert (options.rate_rps, options.arrivals, options.seed) == (None, None, None)
    with pytest.raises(BadOption, match="a closed loop has no schedule"):
        parse([*words, "--arrivals", "poisson"])


def test_one_line_and_exit_code_2(command: Callable[[str], list[str]]) -> None:
    result = subprocess.run(
        [*command("http://127.0.0.1:1/"), "--rate", "1", "--connections", "1", "--duration", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "pacer: --duration must be above 0 (--help lists all options)"
    ]


def test_open_files(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limit: limits.append(limit))
    raise_file_limit(2000)
    assert limits == [(4096, 4096)]
    with pytest.raises(BadOption, match="ulimit"):
        raise_file_limit(4096)


def test_plans_share_connections_and_survive_the_pipe() -> None:
    options = parse([*GOOD, "--processes", "3", "--expect-sha256", SHA256, "--body", "\xff"])
    plans = split(options, [("127.0.0.1", 1)])
    assert [plan.connections for plan in plans] == [2, 1, 1]
    assert [plan.index for plan in plans] == [0, 1, 2]
    assert plans[0].recipes[0].sha256 == SHA256.lower()
    for plan in plans:
        assert Plan.decode(plan.encode()) == plan


@pytest.mark.parametrize(
    "extra",
    [
        ["--rate", "1e-6", "--duration", "1e6"],
        ["--rate", "1e6"],
        ["--duration", "1e6", "--warmup", "1e6", "--timeout", "1e6"],
        ["--good-within", "0.001"],
        ["--good-within", "1e9"],
    ],
)
def test_what_is_taken_can_be_planned(extra: list[str]) -> None:
    """Neither a time nor a due time is beyond what can be counted in nanoseconds."""
    (plan,) = split(parse([*GOOD, *extra]), [("127.0.0.1", 1)])
    assert plan.start_ns <= 0 < plan.end_ns
    assert plan.timeout_ns > 0
    assert plan.good_ns >= 1000
    assert next(iter(plan.schedule)) <= 0
