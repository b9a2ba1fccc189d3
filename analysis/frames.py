"""Make data frames of rows in which figures may be missing."""

from typing import Any

import pandas as pd


def with_missing(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Return a frame in which whole numbers stay whole even if others of the column are missing."""
    columns = {key: pd.array([row[key] for row in rows]) for key in rows[0]} if rows else {}
    return pd.DataFrame(columns)
