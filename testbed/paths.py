"""Name the places of files and folders in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
