"""What a policy may cost: a client takes the files of its hub, and no file may stop it."""

from __future__ import annotations

from typing import Final

MAX_FILE_BYTES: Final = 262_144  # the longest of ours has a tenth
MAX_DEPTH: Final = 20  # of conditions within conditions, definitions included; ours have 7
MAX_LISTS: Final = 2  # of `some` within `some`: each multiplies what a notice costs
MAX_CONDITIONS: Final = 10_000  # compiled, of all rules, definitions and words at each use
MAX_RULES: Final = 200  # of a file, and terms or questions of a review; the longest of ours has 33
MAX_WORDS: Final = 500  # of a list
MAX_WORD_LENGTH: Final = 100
MAX_DOTS: Final = 100  # in a line: what it costs to read a TOML key grows with its parts squared


class Budget:
    """How many conditions may still be compiled."""

    def __init__(self) -> None:
        self._left = MAX_CONDITIONS

    def spend(self, number: int = 1, *, lists: int = 0) -> None:
        """Takes conditions off, ten times as many for each list that they are asked in.

        Raises: ValueError where none is left.
        """
        self._left -= number * 10**lists
        if self._left < 0:
            raise ValueError(f"the policy has more than {MAX_CONDITIONS:,} conditions in all")


def is_word(value: object) -> bool:
    """Whether a list of words may hold it."""
    return isinstance(value, str) and bool(value.strip()) and len(value) <= MAX_WORD_LENGTH


def has_endless_line(text: str) -> bool:
    """Whether a line could be a key of so many parts that reading it takes all memory."""
    return any(line.count(".") > MAX_DOTS for line in text.split("\n"))
