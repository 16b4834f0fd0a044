"""The facts of a file: what they hold, that JSON keeps them, and the checks across files that need only them."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.specfile.combine import combine, cross_check
from beatsync.specfile.facts import facts_from_json, facts_to_json
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.values import (
    Acknowledgement,
    CalendarEnd,
    Diagnostic,
    FileFacts,
    Location,
    ScheduleFacts,
    Severity,
    SharedDefinition,
    SourceFile,
)

TEXT = """\
schedules:
  a: {task: t, interval: 1h, sync: {renamed_from: z}}
  b: {task: t, interval: 1h, only: [production]}
  c: {task: t, interval: 1h, environments: {staging: {task: u}}}
---
schedules:
    d: {task: v, crontab: "0 0 13 * fri"}
"""


def parsed(text: str, path: str = "a.yaml", environment: str | None = None) -> ParsedFile:
    return parse_file(SourceFile(path, text.encode()), ParseOptions(environment))


def facts(path: str, *names: str, **renamed: str) -> FileFacts:
    """Return the facts of a file that declares names; `renamed` holds old names."""
    schedules = [ScheduleFacts(name, number, 3, "t", renamed.get(name)) for number, name in enumerate(names, 2)]
    return FileFacts(path, tuple(schedules))


def test_facts_have_every_name_with_its_position() -> None:
    result = parsed(TEXT).facts
    assert result.schedules == (
        ScheduleFacts("a", 2, 3, "t", "z"),
        ScheduleFacts("b", 3, 3, None),
        ScheduleFacts("c", 4, 3, "t"),
        ScheduleFacts("d", 7, 5, "v"),
    )
    assert result.environments == {"production", "staging"}
    assert [warning.code for warning in result.warnings] == ["crontab-and"]


def test_facts_are_those_of_the_chosen_environment() -> None:
    tasks = {each.name: each.task for each in parsed(TEXT, environment="staging").facts.schedules}
    assert tasks == {"a": "t", "b": None, "c": "u", "d": "v"}
    assert parsed(TEXT, environment="production").facts.schedules[1].task == "t"


def test_a_schedule_with_an_error_has_a_name_and_no_task() -> None:
    result = parsed("schedules:\n  a: {task: t, interval: 1x}\n  b: 5\n")
    assert [(each.name, each.task) for each in result.facts.schedules] == [("a", None), ("b", None)]
    assert result.facts.warnings == ()


TEXTS = st.text(max_size=6)
POSITIONS = st.integers(1, 9999)
PLACES = (TEXTS, POSITIONS, POSITIONS)
PLAIN = st.builds(ScheduleFacts, *PLACES, st.none() | TEXTS, st.none() | TEXTS)
SCHEDULES = PLAIN | st.builds(
    lambda plain, clauses: plain._replace(clauses=tuple(clauses)), PLAIN, st.lists(TEXTS, min_size=1)
)
SHARED = st.builds(
    SharedDefinition, st.sampled_from(["window", "calendar"]), TEXTS, st.just("a.yaml"), *PLACES[1:], st.none() | TEXTS
)
ENDS = st.builds(CalendarEnd, *PLACES, st.dates())
WARNINGS = st.builds(
    Diagnostic,
    st.just(Severity.WARNING),
    TEXTS,
    TEXTS,
    st.builds(Location, st.just("a.yaml"), st.none() | POSITIONS, st.none() | POSITIONS),
    st.none() | TEXTS,
    st.none() | TEXTS,
)

ACKNOWLEDGEMENTS = st.builds(
    Acknowledgement,
    POSITIONS,
    POSITIONS,
    POSITIONS,
    POSITIONS,
    st.lists(TEXTS).map(tuple),
    st.booleans(),
    st.lists(POSITIONS).map(tuple),
)


@given(
    st.builds(
        FileFacts,
        st.just("a.yaml"),
        st.lists(SCHEDULES).map(tuple),
        st.frozensets(TEXTS),
        st.lists(WARNINGS).map(tuple),
        st.lists(SHARED).map(tuple),
        TEXTS,
        st.none() | st.dates(),
        st.lists(ENDS).map(tuple),
        st.frozensets(TEXTS),
        st.lists(ACKNOWLEDGEMENTS).map(tuple),
    )
)
def test_json_keeps_facts(original: FileFacts) -> None:
    assert facts_from_json("a.yaml", facts_to_json(original)) == original


EVERY = ',{},[],"",null,[],[],[]]'


def test_the_texts_below_are_refused_for_one_fault_each() -> None:
    assert facts_from_json("a.yaml", "[3,[],[],[],[],[],{},[],[]" + EVERY) == FileFacts("a.yaml")


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", "null", "1", '"x"', "[1]", "[3]",
     *(text.replace("]!", EVERY) for text in (
         "[2,[],[],[],[],[],{},[],[]]!", "[3,5,[],[],[],[],{},[],[]]!", '[3,["a"],[],[],[],[],{},[],[]]!',
         '[3,["a"],[1],[1],[3],["t"],{},[],[]]!', '[3,["a"],[1],[1],[0],["t"],{"x":"y"},[],[]]!',
         '[3,["a"],[1],[1],[0],["t"],{"4":"y"},[],[]]!', '[3,["a"],[1],[1],[0],["t"],[],[],[]]!',
         "[3,[],[],[],[],[],{},[],[[]]]!", "[3,[],[],[],[],[],{},[[]],[]]!", '[3,[7],["x"],[1],[0],["t"],{},[],[]]!',
         '[3,["a"],[1],[1],["0"],["t"],{},[],[]]!')),
     *(f"[3,[],[],[],[],[],{{}},[],[],{every},[]]" for every in (
         '{"0":["x"]},[],"",null,[],[]', '{"0":[5]},[],"",null,[],[]', '{},[5],"",null,[],[]', "{},[],5,null,[],[]", '{},[],"","tomorrow",[],[]',
         '{},[],"",null,[["a",1,1,5]],[]', '{},[],"",null,[],[5]', '{},[],"",null,[]')),
     *(f'[3,[],[],[],[],[],{{}},[],[],{{}},[],"",null,[],[],{comments}]' for comments in (
         "5", "[[1]]", '[[1,1,1,1,["a"],1,[0]]]')),
    "[" * 100_000],
    ids=lambda text: text[:50],
)  # fmt: skip
def test_other_text_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        facts_from_json("a.yaml", text)


@given(
    st.recursive(
        st.none() | st.integers() | TEXTS, lambda inner: st.lists(inner, max_size=9) | st.dictionaries(TEXTS, inner)
    )
)
def test_any_json_is_read_or_refused_with_a_value_error(value: Any) -> None:
    with suppress(ValueError):
        facts_from_json("a.yaml", json.dumps(value))


def test_no_secret_is_in_the_facts() -> None:
    text = 'schedules:\n  a: {task: t, crontab: "0 0 13 * fri", kwargs: {password: hunter2}}\n'
    assert "hunter2" not in facts_to_json(parsed(text).facts)


def test_combine_reports_the_same_whether_files_were_parsed_or_are_unchanged() -> None:
    texts = {
        "a.yaml": TEXT,
        "b.yaml": "schedules:\n  A: {task: t, interval: 1h}\n  d: {task: t, interval: 1h}\n",
        "c.yaml": "schedules:\n  e: {task: t, interval: 1h, sync: {renamed_from: a}}\n"
        "  f: {task: t, interval: 1h, sync: {renamed_from: a}}\n",
    }
    options = ParseOptions("qa")
    files = [parsed(text, path, "qa") for path, text in texts.items()]
    everything = combine(files, (), options)
    assert {each.code for each in everything.diagnostics} == {
        "crontab-and", "duplicate-name", "name-collision", "renamed-from-twice", "renamed-from-declared", "environment-unknown",
    }  # fmt: skip
    for number in range(len(files)):
        unchanged = [facts_from_json(file.path, facts_to_json(file.facts)) for file in files[:number]]
        desired = combine(files[number:], unchanged, options)
        assert desired.diagnostics == everything.diagnostics
        names = {each.spec.name for each in desired.schedules} | desired.unchanged
        assert names == {each.spec.name for each in everything.schedules}
    assert combine((), [file.facts for file in files], options).unchanged == {"A", "a", "c", "d", "e", "f"}


def test_many_duplicates_are_reported_in_linear_space() -> None:
    files = [facts(f"{number:04}.yaml", "a") for number in range(1000)]
    result = cross_check(files, None)
    assert len(result) == 1000
    assert result[0].text.endswith("also at 0001.yaml:2:3, 0002.yaml:2:3, 0003.yaml:2:3 and 996 more")
    assert max(len(each.text) for each in result) < 200


def test_a_group_of_four_names_every_place() -> None:
    result = cross_check([facts("a.yaml", *["a"] * 4)], None)
    assert result[1].text.endswith("also at a.yaml:2:3, a.yaml:4:3, a.yaml:5:3")


def test_many_claims_to_one_old_name_are_reported_in_linear_space() -> None:
    files = [facts(f"{number:04}.yaml", f"n{number}", **{f"n{number}": "old"}) for number in range(500)]
    result = cross_check(files, None)
    assert {each.code for each in result} == {"renamed-from-twice"}
    assert max(len(each.text) for each in result) < 200


def test_facts_of_a_large_source_are_read_and_checked_quickly() -> None:
    files = [
        facts(f"{file}.yaml", *(f"tenant-{file * 100 + number:07}.report" for number in range(100)))
        for file in range(1000)
    ]
    texts = [(file.path, facts_to_json(file)) for file in files]
    start = time.process_time()
    assert [facts_from_json(path, text) for path, text in texts] == files
    decoded = time.process_time()
    assert cross_check(files, None) == ()
    # Generous limits: a loaded machine is slower.
    assert decoded - start < 1.5
    assert time.process_time() - decoded < 0.6
