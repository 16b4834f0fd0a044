"""What is read quickly says what the careful way says: for every reading and every meaning that has two ways."""

from __future__ import annotations

import random
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beatsync.specfile import ParseOptions, linereader, parse_file
from beatsync.specfile.eventreader import read_events
from beatsync.specfile.jsontext import canonical, quick_canonical
from beatsync.specfile.linereader import read_lines
from beatsync.specfile.plainmeaning import PlainMeaning
from beatsync.specfile.plainreader import NotPlain, Plain, read_plain
from beatsync.specfile.problems import SpecError
from beatsync.specfile.reading import MAX_DEPTH, Reading
from beatsync.values import Declared, SourceFile
from benchmarks import sources
from tests.specfile.corpus import cases
from tests.specfile.test_spec_fuzz import OPTIONS, SEEDS, VALID, VALUES, documents, mutated, short_and_long

FILES = [file for folder in ("valid", "invalid") for case in cases(folder) for file in case.files()]
WORDS = [
    "a", "b.c", "schedules", "defaults", "on", "null", "~", "12", "-1", ".5", "1e3", "08", "12:30", "2027-01-05T08:00:00Z", "x#y", "a:b",
    "http://h/p?q=1#f", "<<", "=", "- a", "a -b", "a: b", "a #b", "a  b", "a, b", "(x) & *y", "!a", "*a", "&a", "%a", "@a", "`a", "?", "? a",
    "|", ">-", "'it''s'", "'a'", '"a"', '"a\\n"', '" a "', "'", '"', "é", "ß–", "\u2028", "\u00a0", "\ufeff", "a\ufeffb", "\x85", "\t", "--", "---",
    "...", "--- a", "[]", "{}", "[ a ]", "[a, b]", "[a,b]", "[a, ]", "[,]", "[a b, 'c, d']", "[a, [b]]", "[a: b]", "[-a, -1, .5, /x]", "[a#b]", "[a #b]",
    "{a: 1}", "{a: 1, b: x y}", "{a: 1, a: 2}", "{a:1}", "{'a': 1}", '{"a":1}', "{a: }", "{a}", "{1: a}", "{on: a}", "{a: 10:30}", "{ a: 1 }", "[a]b", "{a: 1} b", '"a"b',
    "'a' # c", "a # c", "#c", "🎉", "$x", "^x", "a]", "a}", "]", "}", "a;b", "_a", "a=b", "<b>",
]  # fmt: skip
PIECES = st.sampled_from(WORDS) | st.text(st.sampled_from("ab1 :-#'\"[]{},&*!|>%@`?.~=\\é\t\u2028"), max_size=5)


SIMPLE = st.sampled_from(["a", "12", "'a'", '"a b"', "[a, b]", "{a: 1}", "x y", "-1", "a:b", "é", "true", "# c"])
KEYS = [f"{word}:" for word in ("a", "b", "c d", "schedules", "'q'", "e", "f.g", "h/i", "j1")]


@st.composite
def lines(draw: st.DrawFn) -> str:
    """Write lines as people write them, and one in a few as hardly anybody would."""
    made, columns, before = [], [0], ""
    for _ in range(draw(st.integers(1, 7))):
        # Deeper than a key that has its value already is nearly always wrong.
        column = columns[-1] + 2 if before.endswith(":") and draw(st.booleans()) else draw(st.sampled_from(columns))
        is_odd = draw(st.integers(0, 9)) == 0
        key = draw(PIECES.map("{}:".format)) if is_odd else draw(st.sampled_from([*KEYS, *KEYS, "-"]))
        value = draw(st.just("") | SIMPLE.map(" {}".format) | (PIECES if is_odd else SIMPLE).map(" {}".format))
        made.append(" " * column + key + value + draw(st.sampled_from(["", "", "", "", " ", " # c", "#"])))
        before = made[-1]
        columns.append(column)
    end = draw(st.sampled_from(["\n", "\n", "\n", "\n", "", "\n\n", "\r\n"]))
    return end.join(made) + draw(st.sampled_from(["", "\n"]))


def carefully(text: str) -> Plain:
    """Return what the thorough reader says."""
    reading = Reading()
    read_events(text, reading, positions=False)
    assert not reading.problems
    return reading.documents, reading.names


def hold_reading(text: str) -> int:
    """Hold the quick readers to the thorough one; return how many of them took the text."""
    taken = 0
    for reader in (read_lines, read_plain):
        try:
            quickly = reader(text, MAX_DEPTH)
        except (NotPlain, yaml.YAMLError):
            continue
        taken += 1
        assert repr(quickly) == repr(carefully(text)), text
    return taken


def hold_meaning(file: SourceFile) -> int:
    """Hold the quick meaning to the careful one; return how many schedules it took."""
    taken = 0
    with pytest.MonkeyPatch.context() as patch:
        for options in OPTIONS:
            patch.undo()
            quickly = parse_file(file, options)
            asked: list[Declared | None] = []
            real = PlainMeaning.read

            def spy(*given: Any, real: Any = real, asked: list[Declared | None] = asked) -> None:
                asked.append(real(*given))

            patch.setattr(PlainMeaning, "read", spy)
            assert repr(quickly) == repr(parse_file(file, options))
            taken += len([one for one in asked if one is not None])
    return taken


def held(data: bytes) -> tuple[int, int]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return 0, 0
    if yaml.reader.Reader.NON_PRINTABLE.search(text):
        return 0, 0
    return hold_reading(text), hold_meaning(SourceFile("a.yaml", data))


def test_both_ways_say_the_same_of_the_corpus() -> None:
    taken = [held(file.data) for file in FILES]
    assert sum(reading for reading, _ in taken) > len(FILES), "hardly anything is read quickly"
    assert sum(meaning for _, meaning in taken) > len(FILES) / 2, "hardly anything is plain"


def test_both_ways_say_the_same_of_generated_sources() -> None:
    chance = random.Random(7)
    for _ in range(20):
        start, count = chance.randrange(10**6), chance.randrange(1, 60)
        data = sources.text(range(start, start + count)).encode()
        assert held(data) == (2, 2 * count), "a generated schedule is not plain"


def fuzz(data: Any, check: Any, examples: int) -> int:
    taken = 0

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data)
    def run(one: Any) -> None:
        nonlocal taken
        taken += bool(check(one))

    run()
    return taken


@short_and_long(1500, 200_000)
def test_the_readers_agree_on_lines(examples: int) -> None:
    def check(text: str) -> int:
        if yaml.reader.Reader.NON_PRINTABLE.search(text):
            return 0
        return hold_reading(text)

    assert fuzz(lines(), check, examples) > examples / 50, "hardly any text was taken"


@short_and_long(300, 50_000)
def test_both_ways_agree_on_mutated_specs(examples: int) -> None:
    assert fuzz(mutated(VALID), lambda data: any(held(data)), examples) > examples / 50
    fuzz(mutated(SEEDS), held, examples)


@short_and_long(300, 50_000)
def test_both_ways_agree_on_documents_of_known_keys(examples: int) -> None:
    fuzz(documents(), held, examples)


@given(VALUES)
def test_the_quick_canonical_text_is_the_careful_one(value: Any) -> None:
    quickly = quick_canonical(value)
    if quickly is not None:
        assert quickly == canonical(value)


def test_what_two_files_share_is_never_changed() -> None:
    body = "    task: t\n    interval: 1m\n    kwargs: {a: 1, b: x}\n    environments: {live: {kwargs: {a: 2}}}\n"
    file = SourceFile(
        "a.yaml", f"schedules:\n  one:\n{body}".replace("{live: {kwargs: {a: 2}}}", "\n      live: {queue: q}").encode()
    )
    first, second = (read_lines(file.data.decode(), MAX_DEPTH)[0][0]["schedules"]["one"] for _ in range(2))
    assert first["kwargs"] is second["kwargs"], "nothing is shared any more: then this test can go"
    said = [parse_file(file, options) for options in (*OPTIONS, ParseOptions("live"), *OPTIONS)]
    assert said[:2] == said[3:]
    assert first["kwargs"] == {"a": 1, "b": "x"}


def test_what_the_encoder_alone_would_let_pass() -> None:
    for value in ({"__type__": "a", "__value__": 1}, ["\ud800"], {"a": float("inf")}):
        assert quick_canonical(value) is None
        with pytest.raises(SpecError):
            canonical(value)


def test_long_lines_are_not_kept() -> None:
    text = f"a: {'0' * 500}\nb: 1\n"
    assert read_lines(text, MAX_DEPTH)
    assert "b: 1" in linereader._memo
    assert max(map(len, linereader._memo)) < 200
