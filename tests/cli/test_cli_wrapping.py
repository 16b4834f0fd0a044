"""Text wraps between words at any width from 60 columns on, below the value that its line shows."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from beatsync.cli.wrapping import wrapped

LABEL = "      description  " + "word " * 20
WORDS = ["a", "é", "行", "word", "行" * 10, "x" * 25, "'", "—"]
COLOUR = "\x1b[33m"


def test_a_value_goes_on_below_its_start() -> None:
    first, *rest = wrapped(LABEL.rstrip(), 60).split("\n")
    assert first.startswith("      description  word word")
    assert rest
    assert all(re.fullmatch(r" {19}word( word)*", line) and len(line) <= 60 for line in rest)


def test_a_message_goes_on_below_its_text_and_a_change_below_its_name() -> None:
    assert wrapped(f"  hint: {'word ' * 20}".rstrip(), 60).split("\n")[1].startswith("        word")
    assert wrapped(f"error: {'word ' * 20}".rstrip(), 60).split("\n")[1].startswith("       word")
    assert wrapped(f"  - {'word ' * 20}".rstrip(), 60).split("\n")[1].startswith("      word")


def test_colour_takes_no_columns_and_wide_characters_take_two() -> None:
    line = f"{COLOUR}{'x' * 55}\x1b[0m end"
    assert wrapped(line, 60) == line
    assert wrapped("行" * 28 + " end", 60) == "行" * 28 + " end"
    assert wrapped("行" * 29 + " end", 60) == "行" * 29 + "\n  end"


def test_what_no_terminal_shows_and_lines_of_files_stay_as_they_are() -> None:
    assert wrapped(LABEL, None) == LABEL
    excerpt = f"  | {'word ' * 30}"
    assert wrapped(excerpt, 60) == excerpt


@given(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40), st.integers(60, 200))
def test_words_stay_whole_and_lines_fit(words: list[str], width: int) -> None:
    text = wrapped("      label  " + " ".join(words), width)
    assert text.split() == ["label", *words]
    columns = [sum(2 if c == "行" else 1 for c in line) for line in text.split("\n")]
    assert max(columns) <= width
