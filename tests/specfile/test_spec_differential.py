"""The reader against PyYAML's own loader: whatever it reads without a problem has the same structure and the same texts."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.specfile.reader import read
from beatsync.specfile.scalars import Ambiguous, plain
from benchmarks import sources
from tests.specfile.corpus import Case, cases
from tests.specfile.test_spec_fuzz import VALID, mutated, short_and_long

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
WORDS = [
    "a", "b.c", "schedules", "defaults", "on", "null", "~", "12", "-1", ".5", "1e3", "08", "12:30", "2027-01-05T08:00:00Z", "x#y", "a:b",
    "http://h/p?q=1#f", "=", "- a", "a -b", "a: b", "a #b", "a  b", "a, b", "(x) & *y", "%a", "@a", "?", "|", ">-", "'it''s'", "'a'",
    '"a"', '"a\\n"', '" a "', "'", '"', "é", "ß–", "\u2028", "\u00a0", "\ufeff", "\t", "---", "...", "[]", "{}", "[ a ]", "[a, b]", "[a, ]",
    "[a, [b]]", "[a: b]", "{a: 1}", "{a: 1, b: x y}", "{a: 1, a: 2}", "{'a': 1}", "{a: }", "{1: a}", "{a: 10:30}", "'a' # c", "#c", "🎉", "a]",
]  # fmt: skip
KEYS = [f"{word}:" for word in ("a", "b", "c d", "schedules", "'q'", "e", "f.g", "h/i", "j1")]
PIECES = st.sampled_from(WORDS) | st.text(st.sampled_from("ab1 :-#'\"[]{},|>%@`?.~=\\é\t\u2028"), max_size=5)


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Draw lines of block style, one in ten of them unusual."""
    texts, columns, previous = [], [0], ""
    for _ in range(draw(st.integers(1, 7))):
        # Deeper than a key that already has its value is nearly always invalid.
        column = columns[-1] + 2 if previous.endswith(":") and draw(st.booleans()) else draw(st.sampled_from(columns))
        is_odd = draw(st.integers(0, 9)) == 0
        key = draw(PIECES.map("{}:".format)) if is_odd else draw(st.sampled_from([*KEYS, *KEYS, "-"]))
        value = draw(st.just("") | PIECES.map(" {}".format))
        previous = " " * column + key + value
        texts.append(previous)
        columns.append(column)
    return draw(st.sampled_from(["\n", "\n", "\r\n"])).join([*texts, ""])


def is_same(value: Any, text: Any) -> bool:
    """Return whether a value is what PyYAML reads, of which each scalar is its text."""
    if isinstance(value, dict):
        return (
            isinstance(text, dict) and list(value) == list(text) and all(is_same(value[key], text[key]) for key in text)
        )
    if isinstance(value, list):
        return isinstance(text, list) and len(value) == len(text) and all(map(is_same, value, text))
    if isinstance(value, Ambiguous):
        return bool(value.text == text)
    return isinstance(text, str) and (value == text if isinstance(value, str) else value == plain(text))


def joined(text: Any) -> Any:
    """Return what PyYAML reads, with the halves of each surrogate pair joined."""
    if isinstance(text, dict):
        return {joined(key): joined(item) for key, item in text.items()}
    if isinstance(text, list):
        return [joined(item) for item in text]
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass") if text else text


def compare(data: bytes) -> bool:
    """Compare the reader with PyYAML; return whether it read the text without a problem."""
    reading = read(data)
    if not reading.complete or reading.problems or b"<<" in data or b"!" in data:
        return False
    try:
        # The C loader refuses surrogate pairs, which the other one reads as two halves.
        loader = yaml.BaseLoader if b"\\ud" in data.lower() else LOADER
        expected = [joined(document) for document in yaml.load_all(data.decode("utf-8-sig"), Loader=loader)]
    except yaml.composer.ComposerError:
        return False  # it refuses to define an anchor twice, which YAML allows
    assert len(reading.documents) == len(expected)
    assert all(map(is_same, reading.documents, expected)), data
    return True


@pytest.mark.parametrize("case", cases("valid"), ids=lambda case: case.name)
def test_the_valid_corpus_is_read_as_pyyaml_reads_it(case: Case) -> None:
    for file in case.files():
        assert compare(file.data) or any(sign in file.data for sign in (b"<<", b"!", b"&"))


def test_generated_sources_are_read_as_pyyaml_reads_them() -> None:
    chance = random.Random(7)
    for _ in range(20):
        start, count = chance.randrange(10**6), chance.randrange(1, 60)
        assert compare(sources.spec_file(range(start, start + count)).encode())


@short_and_long(1000, 200_000)
def test_lines_and_mutated_specs_are_read_as_pyyaml_reads_them(examples: int) -> None:
    compared = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(lines().map(str.encode) | mutated(VALID))
    def run(data: bytes) -> None:
        nonlocal compared
        compared += compare(data)

    run()
    assert compared > examples / 20, "hardly any text was read without a problem"
