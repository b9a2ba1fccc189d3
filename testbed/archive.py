"""Pack a campaign into one archive that others can check, and unpack such an archive safely.

An archive is a gzipped tar: first manifest.json, which lists every other file with its size and
SHA-256, then these files. The same folder always gives the same bytes. What is unpacked comes from
strangers: only plain files that the manifest lists are taken, with exactly the size and digest that
it says, below the folder that they are meant for.
"""

import gzip
import hashlib
import json
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from testbed import jsonfile, seal
from testbed.errors import TestbedError
from testbed.model.campaign import Campaign
from testbed.model.manifest import Manifest
from testbed.model.results import CAMPAIGN_FILE, KeptFile
from testbed.texts import is_plain, shown_name

MANIFEST = "manifest.json"
ENDING = ".tar.gz"
MADE_AGAIN = ("report", "export")  # folders of a campaign that follow from the rest
MOST_FILES = 100_000
MOST_MANIFEST_BYTES = 32 << 20
MOST_BYTES = 16 << 30  # of all files together
BLOCK = tarfile.BLOCKSIZE
Stream = IO[bytes] | gzip.GzipFile
LONGEST_NAME, LONGEST_FOLDER = 100, 155  # bytes, in tar's plain format
REMEDY = "get the archive again from whoever made it"


def pack(folder: Path, campaign: Campaign, out: Path) -> Manifest:
    """Write the archive of the campaign in `folder`, whose files are complete, and return its list.

    Raises TestbedError for a file that no archive could hold, and OSError if `out` cannot be
    written.
    """
    paths = dict(_files(folder))
    manifest = Manifest(
        schema_version=1,
        campaign=campaign.campaign,
        title=campaign.title,
        experiment=campaign.experiment,
        workload=campaign.workload,
        place=campaign.place,
        asked=campaign.asked,
        seed=campaign.seed,
        apps=campaign.apps,
        workload_digest=campaign.workload_digest,
        testbed=campaign.testbed,
        files={name: seal.kept(path) for name, path in paths.items()},
    )
    content = (manifest.model_dump_json(indent=1) + "\n").encode()
    partial = out.with_name(f".{out.name}.tmp")
    try:
        with (
            partial.open("wb") as raw,
            gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as tar,
        ):
            _add(tar, MANIFEST, len(content), BytesIO(content))
            for name, path in paths.items():
                with path.open("rb") as stream:
                    _add(tar, name, manifest.files[name].bytes, stream)
        partial.replace(out)
    finally:
        partial.unlink(missing_ok=True)
    return manifest


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = size, 0o644
    tar.addfile(entry, content)


def _files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Yield the campaign's files by name, in order. Hidden ones are not finished, and left out."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        name = place.as_posix()
        if place.parts[0] in MADE_AGAIN or any(part.startswith(".") for part in place.parts):
            continue
        if path.is_dir() and not path.is_symlink():
            continue
        if path.is_symlink() or not path.is_file():
            raise TestbedError(f"{shown_name(path)}: is no plain file, which an archive could hold")
        if not _is_name(name):
            raise TestbedError(f"{shown_name(path)}: an archive has no file of such a name")
        if name != MANIFEST:  # that of the archive which this folder came from
            yield name, path


def _is_name(name: str) -> bool:
    """Return whether a file may have this name: below its folder, and short enough for tar."""
    if not all(map(_is_part, name.split("/"))):
        return False
    folder, _, last = name.rpartition("/")
    return len(last.encode()) <= LONGEST_NAME and len(folder.encode()) <= LONGEST_FOLDER


def _is_part(part: str) -> bool:
    """Return whether a name leads nowhere else, and no further than one step."""
    plain = all(is_plain(one) and one not in "/\\:" for one in part)
    return bool(part) and not part.startswith(".") and plain


def read_manifest(archive: Path) -> Manifest:
    """Return an archive's list of files. Raises TestbedError if the file is no such archive."""
    try:
        with archive.open("rb") as raw, gzip.GzipFile(fileobj=raw, mode="rb") as stream:
            return _manifest(archive, stream)
    except FileNotFoundError as error:
        raise TestbedError(f"{shown_name(archive)}: no such file") from error
    except (OSError, EOFError, zlib.error) as error:
        raise _damaged(archive, f"cannot be unpacked ({error})") from error


def unpack(archive: Path, into: Path) -> Manifest:
    """Unpack an archive into a new folder, and return its list of files.

    Raises TestbedError if anything in it is not as its list says, or if the folder exists; then
    nothing is left of it.
    """
    if into.exists():
        raise TestbedError(f"{shown_name(into)}: exists already", remedy="remove it first")
    partial = into.with_name(f".partial-{into.name}")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        partial.mkdir(parents=True)
        with archive.open("rb") as raw, gzip.GzipFile(fileobj=raw, mode="rb") as stream:
            manifest = _manifest(archive, stream)
            _unpack_files(archive, stream, manifest, partial)
        (partial / MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", "utf-8")
        partial.rename(into)
        return manifest
    except FileNotFoundError as error:
        raise TestbedError(f"{shown_name(archive)}: no such file") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise _damaged(archive, f"cannot be unpacked ({error})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _unpack_files(archive: Path, stream: Stream, manifest: Manifest, folder: Path) -> None:
    """Write every file of the list, and check that there is no other and that none is missing."""
    waiting = dict(manifest.files)
    while (entry := _next(archive, stream)) is not None:
        kept = waiting.pop(entry.name, None)
        if kept is None:
            raise _damaged(archive, f"{shown_name(entry.name)} is not in its list, or there twice")
        if entry.size != kept.bytes:
            raise _damaged(archive, f"{shown_name(entry.name)} has another size than its list says")
        path = folder / entry.name
        path.parent.mkdir(parents=True, exist_ok=True)
        found, left = hashlib.sha256(), entry.size
        with path.open("xb") as out:
            while left:
                block = stream.read(min(left, 1 << 20))
                if not block:
                    raise _damaged(archive, f"is cut off in {shown_name(entry.name)}")
                found.update(block)
                out.write(block)
                left -= len(block)
        stream.read(-entry.size % BLOCK)
        if found.hexdigest() != kept.sha256:
            raise _damaged(archive, f"{shown_name(entry.name)} was changed after it was packed")
    if waiting:
        raise _damaged(archive, f"{shown_name(next(iter(waiting)))} is missing in it")


def _next(archive: Path, stream: Stream) -> tarfile.TarInfo | None:
    """Return the next file's header; None at the end. Only plain files have one here.

    tarfile itself would read headers of any size into memory, and links.
    """
    block = stream.read(BLOCK)
    if not block.strip(b"\0"):
        return None
    try:
        entry = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except tarfile.HeaderError as error:
        raise _damaged(archive, f"is no tar ({error})") from error
    if entry.type not in (tarfile.REGTYPE, tarfile.AREGTYPE):
        raise _damaged(archive, f"{shown_name(entry.name)} is no plain file")
    return entry


def _manifest(archive: Path, stream: Stream) -> Manifest:
    """Read the list of files, which stands first, and check what it lists."""
    entry = _next(archive, stream)
    if entry is None or entry.name != MANIFEST:
        raise _damaged(archive, f"does not begin with {MANIFEST}")
    if not 0 < entry.size <= MOST_MANIFEST_BYTES:
        raise _damaged(archive, f"{MANIFEST} has {entry.size:,} bytes")
    content = stream.read(entry.size)
    stream.read(-entry.size % BLOCK)
    try:
        data = json.loads(content, parse_float=jsonfile.finite)
        jsonfile.check_depth(data, jsonfile.DEEPEST)
    except (ValueError, RecursionError) as error:
        raise _damaged(archive, f"{MANIFEST} is no JSON") from error
    manifest = jsonfile.fit(archive / MANIFEST, data, Manifest)
    _check_listed(archive, manifest.files)
    if not _is_part(manifest.campaign) or len(manifest.campaign.encode()) > LONGEST_NAME:
        raise _damaged(archive, f"no campaign is named {shown_name(manifest.campaign)}")
    return manifest


def _check_listed(archive: Path, listed: dict[str, KeptFile]) -> None:
    if len(listed) > MOST_FILES:
        raise _damaged(archive, f"lists {len(listed):,} files; at most {MOST_FILES:,} are taken")
    folders = {str(folder) for name in listed for folder in PurePosixPath(name).parents}
    for name, kept in listed.items():
        if not _is_name(name) or name == MANIFEST or name in folders:
            raise _damaged(archive, f"lists {shown_name(name)}, which no campaign has")
        if kept.bytes < 0:
            raise _damaged(archive, f"lists {shown_name(name)} with {kept.bytes} bytes")
    if (total := sum(kept.bytes for kept in listed.values())) > MOST_BYTES:
        raise _damaged(archive, f"holds {total:,} bytes; at most {MOST_BYTES:,} are unpacked")
    if CAMPAIGN_FILE not in listed:
        raise _damaged(archive, f"holds no {CAMPAIGN_FILE}")


def _damaged(archive: Path, problem: str) -> TestbedError:
    return TestbedError(f"{shown_name(archive)}: {problem}", remedy=REMEDY)
