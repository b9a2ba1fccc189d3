"""`python -m analysis parse FILE`: the figures of a tool's output, as JSON or as a table."""

import json
import sys
from argparse import ArgumentParser, Namespace

from rich.console import Console
from rich.table import Table
from rich.text import Text

from testbed import files
from testbed.errors import TestbedError
from testbed.model.tool_output import Distribution, RequestFigures, ToolOutput
from testbed.numbers import written_out
from testbed.texts import shown_name
from testbed.tools import ANY, ParseError, parse, parse_all
from testbed.tools.table import TOOLS

_LOOKED_AT = 4096  # bytes that show the encoding
_DIGITS = 9


def add_arguments(parser: ArgumentParser) -> None:
    """Declare the subcommand's arguments."""
    parser.add_argument("file", metavar="FILE", help="what the tool printed; '-' reads stdin")
    parser.add_argument("--tool", choices=(ANY, *TOOLS), default=ANY, help="which tool wrote it")
    parser.add_argument("--all", action="store_true", help="all runs in it, as a list")
    parser.add_argument("--json", action="store_true", help="print JSON, not a table")


def run(arguments: Namespace, console: Console) -> None:
    """Parse the file and print its figures. Raises TestbedError with file and line."""
    name = "stdin" if arguments.file == "-" else shown_name(arguments.file)
    try:
        text = _decode(_read(arguments.file))
        if arguments.all:
            outputs = parse_all(text, arguments.tool)
        else:
            outputs = [parse(text, arguments.tool)]
    except ParseError as error:
        raise TestbedError(f"{name}:{error.line}: {error.what}") from error
    if arguments.json:
        documents = [output.model_dump(mode="json") for output in outputs]
        data = documents if arguments.all else documents[0]
        console.out(json.dumps(data, indent=2, ensure_ascii=False), highlight=False)
    else:
        for output in outputs:
            console.print(_table(output))


def _read(file: str) -> bytes:
    if file == "-":
        if sys.stdin is None:
            raise TestbedError("stdin: is closed")
        content = sys.stdin.buffer.read(files.LARGEST_BYTES + 1)
        if len(content) > files.LARGEST_BYTES:
            raise TestbedError(
                f"stdin: is too large; at most {files.LARGEST_BYTES:,} bytes are read"
            )
        return content
    return files.read(files.named(file), files.LARGEST_BYTES)


def _decode(data: bytes) -> str:
    """Return the text of UTF-8, or of UTF-16, which PowerShell writes when it redirects.

    UTF-16 may lack its mark. Bytes that are neither are replaced: they occur only in the prose
    around the figures. Raises ParseError for what is no text.
    """
    packed = next((kind for mark, kind in _PACKED.items() if data.startswith(mark)), None)
    if packed:
        raise ParseError(f"this is packed by {packed}, which is not read; unpack it", line=1)
    if why := next(filter(None, (one.why_no_text(data) for one in TOOLS.values())), None):
        raise ParseError(why, line=1)
    text = data.decode(_encoding(data), errors="replace").lstrip("\0")  # of a log that was cut
    if text.count("\0") > len(text) / 4:
        raise ParseError("this is no text, as it is full of NULs; save it as UTF-8", line=1)
    return text


_PACKED = {
    b"\x1f\x8b": "gzip",
    b"PK\x03\x04": "zip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\0": "xz",
}


def _encoding(data: bytes) -> str:
    """Return the encoding that a text's mark names, or else the places of its NUL bytes show."""
    marked = next((name for mark, name in files.MARKS.items() if data.startswith(mark)), None)
    if marked:
        return marked
    pairs = min(len(data), _LOOKED_AT) // 2
    first, second = (data[: 2 * pairs][start::2].count(0) for start in (0, 1))
    if second > pairs / 2 and not first:
        return "utf-16-le"
    return "utf-16-be" if first > pairs / 2 and not second else "utf-8-sig"


def _table(output: ToolOutput) -> Table:
    """Return one run as a table of its known figures; the main figures are always in it.

    Of a detailed spectrum it has only the usual percentiles; the JSON has all of them.
    """
    table = Table("figure", "value", title=output.tool, title_justify="left")
    table.columns[1].overflow = "fold"
    for name, value in output:
        if isinstance(value, Distribution):
            _add_times(table, name.removesuffix("_us"), value)
        elif name == "errors":
            counts = {key: count for key, count in value if count is not None}
            told = ", ".join(f"{key} {count}" for key, count in counts.items())
            table.add_row("errors", told or "-")
        elif name == "error_texts":
            for error in value:
                table.add_row(
                    Text(f"error: {shown_name(error.kind)}"),
                    Text(f"{error.count} times: {shown_name(error.text)}"),
                )
        elif name == "status_codes":
            if value:
                table.add_row(name, ", ".join(f"{code}: {n}" for code, n in value.items()))
        elif name == "by_request":
            for request, figures in value.items():
                table.add_row(Text(f"request {shown_name(request)}"), Text(_told(figures)))
        elif name == "flows":
            for flow in value or []:
                rate, duration = map(written_out, (flow.mbit_per_s, flow.duration_s))
                way = f" {flow.direction}" if flow.direction else ""
                table.add_row(f"stream {flow.stream}", f"{rate} Mbit/s{way} in {duration} s")
        elif name == "problems":
            for problem in value:
                table.add_row(Text("problem", style="bold"), Text(problem))
        elif name != "tool" and (value is not None or name in _LOOKED_FOR):
            table.add_row(name, "-" if value is None else Text(_written(value)))
    return table


def _written(value: object) -> str:
    """Return a value as text; a fraction has as many digits as a tool prints, and no more.

    Of a quotient of two such figures, the rest is what binary fractions leave.
    """
    if not isinstance(value, float):
        return str(value)
    return written_out(value, significant=_DIGITS)


def _told(figures: RequestFigures) -> str:
    """Return the main figures of one request of a mix in a line."""
    times = (figures.correct_us or figures.latency_us).percentiles
    return ", ".join(
        [
            *([] if figures.due is None else [f"{figures.due} due"]),
            f"{figures.requests} answered, {figures.correct} correct",
            *(f"{kind} {n}" for kind, n in figures.errors if n),
            *(
                f"correct {percent} % {_written(times[percent])} µs"
                for percent in ("50", "99")
                if percent in times
            ),
        ]
    )


_SHOWN = {"50", "66", "75", "80", "90", "95", "98", "99", "99.9", "99.99", "99.999", "100"}
_LOOKED_FOR = {"requests", "throughput_rps", "goodput_rps", "duration_s"}


def _add_times(table: Table, name: str, times: Distribution) -> None:
    for statistic in ("mean", "stdev", "min", "max"):
        value = getattr(times, statistic)
        if value is not None:
            table.add_row(f"{name} {statistic}", f"{_written(value)} µs")
    for percentile, value in times.percentiles.items():
        if percentile in _SHOWN:
            table.add_row(f"{name} {percentile} %", f"{_written(value)} µs")
