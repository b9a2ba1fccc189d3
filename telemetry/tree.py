"""Files of the kernel's below a root, '/' but in tests. What cannot be read is None."""

from pathlib import Path


class Tree:
    """Reads below `root`, by paths without the leading slash."""

    def __init__(self, root: Path = Path("/")) -> None:
        self.root = root

    def text(self, path: str) -> str | None:
        """A file's content without the white space around it."""
        try:
            return (self.root / path).read_text().strip()
        except (OSError, ValueError):
            return None

    def number(self, path: str) -> int | None:
        """A file that holds a whole number."""
        try:
            return int(self.text(path) or "")
        except ValueError:
            return None

    def chosen(self, path: str) -> str | None:
        """Of a file such as 'always [madvise] never', the choice in force."""
        text = self.text(path)
        if text is None or "[" not in text:
            return text
        return text.split("[")[1].split("]")[0]

    def names(self, pattern: str) -> list[str]:
        """Paths that match, relative to the root, in order."""
        return sorted(str(path.relative_to(self.root)) for path in self.root.glob(pattern))

    def link(self, path: str) -> str | None:
        """The name of what a symbolic link leads to."""
        try:
            return (self.root / path).readlink().name
        except OSError:
            return None
