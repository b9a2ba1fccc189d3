"""Read the kernel's files below a root, which is '/' except in tests.

What cannot be read is None.
"""

from pathlib import Path


class Tree:
    """Reads files below `root`, by paths without the leading slash."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def text(self, path: str) -> str | None:
        """Return a file's content without the white space around it; None if it cannot be read."""
        try:
            return (self.root / path).read_text().strip()
        except (OSError, ValueError):
            return None

    def number(self, path: str) -> int | None:
        """Return the whole number in a file; None if there is none."""
        try:
            return int(self.text(path) or "")
        except ValueError:
            return None

    def chosen(self, path: str) -> str | None:
        """Return the choice in force from a file such as 'always [madvise] never', else None."""
        text = self.text(path)
        if text is None or "[" not in text:
            return text
        return text.split("[")[1].split("]")[0]

    def names(self, pattern: str) -> list[str]:
        """Return the paths that match, relative to the root, in order."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def link(self, path: str) -> str | None:
        """Return the name of a symbolic link's target; None if there is no such link."""
        try:
            return (self.root / path).readlink().name
        except OSError:
            return None
