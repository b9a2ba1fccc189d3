"""Tell sentences that differ in their numbers only as one, with ranges."""

import re
from collections.abc import Sequence

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
