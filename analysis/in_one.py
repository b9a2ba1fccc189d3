"""Tell sentences that differ in their numbers only as one, and things by their number if many."""

import re
from collections.abc import Sequence

FEW = 4  # things that a sentence names one by one
NUMBER = re.compile(r"(\d+(?:,\d{3})*(?:\.\d+)?)")
ALONE = re.compile(rf"(?<![\w-]){NUMBER.pattern}(?![\w-])")  # and no part of a name, as in 'run-t1'


def in_one(sentences: Sequence[str]) -> str:
    """Return one sentence for several with the same words; numbers that differ become a range.

    So 'only 477 answers' and 'only 637 answers' are 'only 477 to 637 answers'. Sentences whose
    words differ are told by the first of them.
    """
    split = [NUMBER.split(sentence) for sentence in sentences]
    parts = list(split[0])
    if any(one[::2] != parts[::2] for one in split):
        return sentences[0]
    for place in range(1, len(parts), 2):
        numbers = sorted({one[place] for one in split}, key=lambda n: float(n.replace(",", "")))
        if len(numbers) > 1:
            parts[place] = f"{numbers[0]} to {numbers[-1]}"
    return "".join(parts)


def without_numbers(sentence: str) -> str:
    """Return what sentences that differ in numbers have in common; a name's digits are kept."""
    return ALONE.sub("", sentence)


def told_of(which: Sequence[str], of: int, noun: str) -> str:
    """Return what a sentence is about, which are some of so many things, at least one.

    Few are named one by one; of more, the text has their number and, unless they are all, the
    first: '8 of 50 runs, from a on'.
    """
    if len(which) <= FEW:
        return "; ".join(which)
    if len(which) == of:
        return f"all {of} {noun}"
    return f"{len(which)} of {of} {noun}, from {which[0]} on"
