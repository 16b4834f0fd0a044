"""`fmt` changes layout only: a text means the same, keeps its comments, and is not changed twice."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from beatsync.specfile.canonical import UnsupportedError, formatted
from beatsync.specfile.parse import ParseOptions, parse_file
from beatsync.specfile.reader import read
from beatsync.specfile.write import Entry, document
from beatsync.values import Declared, SourceFile
from tests.specfile.corpus import SPECS, cases

BEFORE = """\
# the file

defaults:   {  queue:   'bil ling'  }
schedules:
    # above b
    "b":    # behind b
        # above the zone
        timezone:    Europe/Berlin
        crontab:   '0 2 * * *'    # two
        kwargs:
            items:
            -   1
            -   text:   |
                    a: [b,c]   # no comment
                      more
                other: {x:1,y : 2 , 'z':3}

        args: [ 1,"two" ,"3", ]
        # above the task
        task: "shop.run"
    # above a
    a: {interval: 5m, task: t,}\t

    # at the end
"""
AFTER = """\
# the file

defaults: {queue: bil ling}
schedules:
  # above b
  b:    # behind b
    # above the task
    task: shop.run
    crontab: "0 2 * * *"    # two
    # above the zone
    timezone: Europe/Berlin

    args: [1, two, "3"]
    kwargs:
      items:
        - 1
        - text: |
              a: [b,c]   # no comment
                more
          other: {x:1, y: 2, z: 3}
  # above a
  a: {task: t, interval: 5m}

  # at the end
"""


def test_the_layout_is_canonical() -> None:
    assert formatted(BEFORE) == AFTER
    assert formatted(AFTER) == AFTER


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_line_ends_stay(newline: str) -> None:
    assert formatted(BEFORE.replace("\n", newline)) == AFTER.replace("\n", newline)
    assert formatted("a: 1\r\nb: 2\nc: 3\r\n".replace("a", "x-a")) == "x-a: 1\r\nb: 2\r\nc: 3\r\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment\n",
        "x-a: |+\n  kept\n\n\n",
        "x-a: |\n  no line end",
        "x-a: 'it''s'\n",
        'x-a: "12:30"\nx-b: "on"\nx-c: "1h"\nx-d: "# no comment"\nx-e: ""\n',
        '{"version": 1, "schedules": {"a": {"task": "t", "interval": "5m"}}}\n',
        "schedules:\n  b: {task: t, every: {office: 1m, otherwise: 5m}}\n  a: {task: t}\n",
        "defaults:\n  timezone: UTC\n  task: t\n",
        "x-list:\n  - - 1\n    - 2\n  -\n    - 3\n",
        "x-text:\n  plain text\n    over lines\n",
        "schedules:\n  a: &a\n    task: t # t\n    interval: 5m\n  b: *a\n---\nx-a: [\n  1, # one\n  2,\n]\n",
        "schedules:\n  a:\n    queue: &q slow\n    routing_key: *q\n    task: t\n",
    ],
)
def test_what_is_canonical_stays_as_it_is(text: str) -> None:
    assert formatted(text) == text


@pytest.mark.parametrize("text", ["? x-a\n: 1\n", "x-a: {? b : 1}\n", "x-a: 1\x85x-b: 2\n"])
def test_what_cannot_be_formatted_is_named(text: str) -> None:
    with pytest.raises(UnsupportedError, match=r"^a "):
        formatted(text)


def test_what_separates_documents_stays_at_the_beginning_of_its_line() -> None:
    text = "schedules:\n a: {task: t}\n--- # two\nschedules:\n b:\n  task: t\n...\n%YAML 1.1\n---\nx-a: 1\n"
    assert formatted(text) == text.replace(" a:", "  a:").replace("  task:", "    task:").replace(" b:", "  b:")


def specs(text: str) -> list[Declared]:
    parsed = parse_file(SourceFile("a.yaml", text.encode()), ParseOptions())
    return [each._replace(location=each.location._replace(line=0, column=0)) for each in parsed.schedules]


def check(text: str) -> None:
    """Fail unless formatting keeps the meaning and the comments, and is the same twice."""
    result = formatted(text)
    assert formatted(result) == result
    assert read(result.encode()).documents == read(text.encode()).documents
    assert specs(result) == specs(text)
    words = re.compile(r"#c\d+")
    assert Counter(words.findall(result)) == Counter(words.findall(text))


@pytest.mark.parametrize("case", cases("valid") + cases("invalid"), ids=lambda case: case.name)
def test_each_file_of_the_corpus_keeps_its_meaning(case: Any) -> None:
    for file in case.files():
        if not read(file.data).problems and not re.search(rb"^ *\? ", file.data, re.MULTILINE):
            check(file.data.decode("utf-8-sig"))


SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(["a", "two words", "on", "12:30", "", "# no", "a: b", "it's", 'q"q',
    "- x", "multi\nline\n", "end ", " start", "ü", "\U0001f600", "*", "a,b", "{", "very long text " * 8, "trail \nx\n\n"])
)  # fmt: skip
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3)
)
BODIES = st.fixed_dictionaries(
    {"task": st.just("t")},
    optional={
        "interval": st.sampled_from(["5m", "1h"]),
        "crontab": st.fixed_dictionaries({"minute": st.just([0, 30])}),
        "kwargs": st.dictionaries(st.sampled_from(["x", "y z", "on"]), VALUES, max_size=3),
        "args": st.lists(VALUES, max_size=3),
        "queue": st.sampled_from(["slow", "a b"]),
        "description": st.sampled_from(["one", "two\nlines\n"]),
        "environments": st.fixed_dictionaries({"prod": st.fixed_dictionaries({"queue": st.just("q"), "args": st.just([1])})}),
        "sync": st.just({"protect": True}),
    },
)  # fmt: skip
DOCUMENTS = st.dictionaries(st.sampled_from(["a", "b", "c d", "1"]), BODIES.flatmap(
    lambda body: st.permutations(list(body.items())).map(dict)), max_size=3)  # fmt: skip
LAYOUTS = st.fixed_dictionaries(
    {
        "indent": st.integers(2, 9),
        "width": st.sampled_from([20, 80, 1000]),
        "default_flow_style": st.sampled_from([True, False, None]),
        "allow_unicode": st.booleans(),
    }
)
MARKS = st.lists(
    st.tuples(st.integers(0, 60), st.sampled_from(["above", "behind", "blank", "space"]), st.integers(0, 8))
)


def untidy(text: str, marks: list[tuple[int, str, int]]) -> str:
    """Return a text with comments, blank lines and trailing white space; some land in texts, and change what it means."""
    lines = text.splitlines()
    for number, (line, what, column) in enumerate(marks):
        place = line % max(1, len(lines))
        if what in {"behind", "space"}:
            lines[place] += f"  #c{number}" if what == "behind" else " \t"
        else:
            lines.insert(place, f"{' ' * column}#c{number}" if what == "above" else "")
    return "\n".join(lines) + "\n"


@settings(deadline=None)
@given(DOCUMENTS, LAYOUTS, MARKS)
@example({"a": {"kwargs": {"x": "multi\nline\n"}, "task": "t"}}, {"indent": 4}, [(4, "above", 5), (5, "above", 4)])
def test_any_spec_keeps_its_meaning_and_its_comments(schedules: Any, layout: Any, marks: Any) -> None:
    text = yaml.safe_dump({"schedules": schedules}, sort_keys=False, **layout)
    if layout["indent"] == 2:
        # The dumper's least; people also indent by one.
        text = re.sub("^(  )+", lambda spaces: spaces[0][::2], text, flags=re.MULTILINE)
    text = untidy(f"{text}---\n{text}", marks)
    if not read(text.encode()).problems and "? " not in text:
        check(text)


def test_what_the_writer_writes_is_canonical() -> None:
    parsed = [parse_file(file, ParseOptions()) for case in cases("valid") for file in case.files()]
    for file in parsed:
        text = document([Entry(each.spec, each.policy) for each in file.schedules])
        assert formatted(text) == text


def test_the_shipped_examples_are_canonical() -> None:
    for path in sorted((SPECS.parents[2] / "schedules.d").rglob("*.yaml")):
        text = Path(path).read_text(encoding="utf-8")
        assert formatted(text) == text
