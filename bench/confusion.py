"""Show what was said of servers whose truth is known: a row for each truth."""

from collections import Counter
from collections.abc import Sequence


def matrix(answers: Sequence[tuple[str, str]]) -> str:
    """Return pairs of truth and answer as a table, and below it how many were right."""
    counted = Counter(answers)
    truths, said = sorted({one for one, _ in answers}), sorted({one for _, one in answers})
    wide = max(map(len, [*truths, "truth"]), default=0)
    rows = [f"{'truth':{wide}}  " + "  ".join(said)]
    for truth in truths:
        cells = (f"{counted[truth, one] or '.':>{len(one)}}" for one in said)
        rows.append(f"{truth:{wide}}  " + "  ".join(cells))
    right = sum(truth == one for truth, one in answers)
    return "\n".join([*rows, f"{right} of {len(answers)} right"])
