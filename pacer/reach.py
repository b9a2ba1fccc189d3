"""Options on how a server is reached, which pacer and its probe have in common."""

import argparse
import os
import ssl

from pacer.request import BadRequest, Target
from pacer.tls import Trust

MAX_SOCKET_BYTES = 107  # of a Unix socket's path, as unix(7) has it


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options to a parser."""
    group = parser.add_argument_group("connection")
    group.add_argument("--url", required=True, help="http[s]://HOST[:PORT]/PATH[?QUERY]")
    group.add_argument(
        "--unix-socket", metavar="PATH", help="connect to it, not to the host of --url"
    )
    group.add_argument(
        "--ca-file",
        metavar="FILE",
        help="of https: trust these certificate authorities (those of the system)",
    )
    group.add_argument(
        "--insecure", action="store_true", help="of https: take any certificate for the right one"
    )


def unix_socket(asked: argparse.Namespace) -> str | None:
    """Return the path of the Unix socket asked for; None if none was. Raises BadRequest."""
    path: str | None = asked.unix_socket
    if path is None:
        return None
    if not 1 <= len(os.fsencode(path)) <= MAX_SOCKET_BYTES or "\0" in path:
        raise BadRequest(
            f"--unix-socket '{path}': the path must have 1 to {MAX_SOCKET_BYTES} bytes"
        )
    return path


def trust(asked: argparse.Namespace, target: Target) -> Trust | None:
    """Return which certificates are trusted; None if the URL is not https. Raises BadRequest."""
    if not target.https:
        for option, given in (
            ("--ca-file", asked.ca_file is not None),
            ("--insecure", asked.insecure),
        ):
            if given:
                raise BadRequest(f"{option} is for an https URL")
        return None
    if asked.ca_file == "":
        raise BadRequest("--ca-file: names no file")
    if asked.ca_file is not None and asked.insecure:
        raise BadRequest("--insecure trusts every certificate, so --ca-file is of no use")
    # Neither a zone nor the dot at the end of a name is in a certificate
    host = target.host.partition("%")[0].removesuffix(".")
    found = Trust(host, asked.ca_file, asked.insecure)
    try:
        context = found.context()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise BadRequest(f"--ca-file {asked.ca_file}: not certificates: {reason}") from None
    try:  # what opens a connection would meet this, too
        context.wrap_bio(ssl.MemoryBIO(), ssl.MemoryBIO(), server_hostname=host)
    except (OSError, ValueError) as error:
        raise BadRequest(f"--url {asked.url}: no certificate is of '{host}': {error}") from None
    return found
