"""Define what an app's file of requirements asks for."""

from pathlib import Path

from testbed.model.base import Model


class Requirements(Model):
    """What an app's file of requirements, with all files that it includes, asks for."""

    folder: Path  # all files are in it or below
    files: list[Path]  # the named file first; absolute
    pins: dict[str, str]  # version, or URL, by package; with its marker, if it has one
    digest: str  # of the files' contents without comments; identifies the environment

    @property
    def file(self) -> Path:
        """The path of the named file, relative to the folder."""
        return self.files[0].relative_to(self.folder)

    @property
    def names(self) -> list[str]:
        """The names of all packages that are pinned, in their normal spelling."""
        return sorted({key.partition(" ; ")[0] for key in self.pins})
