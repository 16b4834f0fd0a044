"""What is known by its text is not parsed, and what comes of it is what all of the text says."""

from __future__ import annotations

from collections import deque
from typing import Any

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from beatsync.parsing import parse_all, parse_rest
from beatsync.specfile import ParsedFile, ParseOptions, blocks, parse_file
from beatsync.values import Declared, Desired, SourceFile

OPTIONS = ParseOptions(timezone="Europe/Berlin")
HEADS = [
    "schedules:\n",
    "# ours\ndefaults:\n  queue: q\n\nschedules: # all\n\n  # the first\n",
    "defaults:\n  queue: other\nschedules:\n",
    "version: 1\nschedules:\n",
    "x-a: &a {task: t}\nschedules:\n",
    "schedules: {z: {task: t, interval: 1h}}\n",
    "a: |\n  schedules:\nschedules:\n",
    "schedules:\r\n",
    "",
]
BLOCKS = [
    "  one:\n    task: t\n    interval: 1h\n",
    "  one:\n    task: other\n    interval: 1h\n",
    "  two:\n    task: t\n    crontab: 0 3 * * *\n    kwargs:\n      a: 1\n      b: [x, 'y']\n",
    "  two:\n    task: t\n    crontab: 0 3 1 * mon\n",
    "  Two:\n    task: t\n    interval: 2h\n    # a word\n\n",
    "  three:\n    task: t\n    interval: 1h\n    environments:\n      staging:\n        enabled: false\n",
    "  four:\n    task: t\n    interval: 1h\n    sync:\n      renamed_from: one\n",
    "  five:\n    task: t\n    interval: 1h\n    description: |\n      text\n\n      schedules:\n",
    "  five:\n    task: t\n    interval: 1h\n    kwargs: {token: s3cret}\n    sync: {sensitive: [kwargs.token]}\n",
    "  six: {task: t, interval: 1h}\n",
    "  seven:\n    task: t\n    interval: 1h\n    only: [staging]\n",
    "  'eight':\n    task: t\n    interval: 1h\n    args:\n    - 1\n    - two\n",
    "  nine:\n    task: t\n",
    "  nine:\n    task: t\n    interval: 1h\n    kwargs:\n",
    "  - ten\n",
    "  ten:\n",
    "  ten:\n    <<: *a\n    interval: 1h\n",
    '  "el\n  even": {task: t}\n',
    "   twelve:\n    task: t\n    interval: 1h\n",
    "# a word at the edge\n",
    "x-b: 1\n",
    "x-b:\n",
    "defaults:\n  queue: late\n",
    "---\nschedules:\n",
    "\t\n",
    "  thirteen:\n    task: t\r\n    interval: 1h\n",
    '  fourteen:\n    task: "a\n  b"\n    interval: 1h\n',
    "    priority: 3\n",
    "  fifteen:\n    task: t\n    interval: 1h\n    'environments':\n      production:\n        priority: 3\n",
    "  sixteen:\n    task: t\n    interval: 1h\n    only:\n    - production\n    environments:\n      staging: {queue: q}\n",
]  # fmt: skip
PLAIN = [BLOCKS[number] for number in (0, 2, 4, 5, 9, 10, 11, 13, -2, -1)]
File = tuple[str, list[str]]


@st.composite
def files(draw: st.DrawFn) -> File:
    """Return a file most of whose schedules are plain."""
    blocks = draw(st.lists(st.sampled_from(PLAIN), unique=True, max_size=5))
    for odd in draw(st.lists(st.sampled_from(BLOCKS), max_size=1)):
        blocks.insert(draw(st.integers(0, len(blocks))), odd)
    return draw(st.one_of(st.sampled_from(HEADS[:2]), st.sampled_from(HEADS))), blocks


@st.composite
def edits(draw: st.DrawFn) -> tuple[list[str], list[str]]:
    """Return a source before and after an edit."""
    before = draw(st.lists(files(), min_size=1, max_size=2))
    after = [(head, [*blocks]) for head, blocks in before]
    for _ in range(draw(st.integers(0, 3))):
        number = draw(st.integers(0, len(after) - 1))
        blocks = after[number][1]
        place = draw(st.integers(0, len(blocks)))
        blocks[place : place + draw(st.integers(0, 1))] = draw(st.lists(st.sampled_from(BLOCKS), max_size=1))
        if not draw(st.integers(0, 7)):
            after[number] = (draw(st.sampled_from(HEADS)), blocks)
    end = draw(st.sampled_from(["", "", "\n"]))
    return texts(before, ""), texts(after, end)


def texts(source: list[File], end: str) -> list[str]:
    return [(head + "".join(blocks)).removesuffix(end) for head, blocks in source]


def files_of(source: list[str]) -> list[SourceFile]:
    return [SourceFile(f"{number}.yaml", text.encode()) for number, text in enumerate(source)]


def everything(source: list[str], options: ParseOptions = OPTIONS) -> Desired:
    return parse_all(deque(files_of(source)), options, (), 1, lambda _: None, digests=True)


def rest(source: list[str], known: dict[bytes, str], options: ParseOptions = OPTIONS) -> Desired | None:
    return parse_rest(files_of(source), known, options, (), 1, lambda _: None)


def saying(one: Declared) -> tuple[Any, ...]:
    return (one.spec, one.policy, one.enabled_declared, one.left, one.location.path)


@given(
    edit=edits(),
    environment=st.sampled_from([None, None, "staging", "stagin", "production"]),
    forgotten=st.integers(1, 9),
)
@example(([HEADS[0] + BLOCKS[0] + BLOCKS[2]], [HEADS[0] + BLOCKS[0] + BLOCKS[1] + BLOCKS[2]]), None, 9)
@example(([HEADS[0] + BLOCKS[0] + BLOCKS[2]], [HEADS[0] + BLOCKS[9] + "x-b: 1\n" + BLOCKS[0]]), None, 9)
@example(([HEADS[0] + BLOCKS[0] + BLOCKS[2]], [HEADS[0] + BLOCKS[6] + BLOCKS[0]]), None, 9)
def test_what_is_known_and_the_rest_are_what_all_says(
    edit: tuple[list[str], list[str]], environment: str | None, forgotten: int
) -> None:
    before, after = edit
    options = ParseOptions(environment, OPTIONS.timezone)
    old = {one.said: one for one in everything(before, options).schedules if one.said}
    known = {
        said: one.spec.name for number, (said, one) in enumerate(old.items(), 1) if number % forgotten or forgotten == 1
    }
    whole, found = everything(after, options), rest(after, known, options)
    if found is None:
        event("all has to be parsed")
        return
    event(f"known: {bool(found.known)}, parsed: {bool(found.schedules)}, wrong: {bool(whole.diagnostics)}")
    assert (found.diagnostics, found.environment) == (whole.diagnostics, whole.environment)
    parsed = {one.spec.name: one for one in found.schedules}
    assert parsed.keys().isdisjoint(found.known.values())
    assert [one.spec.name for one in whole.schedules] == sorted(
        [*(one.spec.name for one in found.schedules), *found.known.values()]
    )
    by_name = {name: old[said] for said, name in found.known.items()}
    for one in whole.schedules:
        if one.spec.name in parsed:
            assert one in found.schedules
        else:
            assert saying(by_name[one.spec.name]) == saying(one)


def test_nothing_is_parsed_of_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    source = [HEADS[1] + BLOCKS[0] + BLOCKS[2]]
    known = {one.said: one.spec.name for one in everything(source).schedules}
    assert sorted(known.values()) == ["one", "two"]
    monkeypatch.setattr("beatsync.workers.parse_file", lambda *_: pytest.fail("it is known"))
    assert rest(source, known) == Desired((), known=known)


@pytest.mark.parametrize(
    "changed",
    [
        [HEADS[2] + BLOCKS[0] + BLOCKS[2]],
        ["", HEADS[1] + BLOCKS[0] + BLOCKS[2]],
        [(HEADS[1] + BLOCKS[0] + BLOCKS[2]).replace("\n", "\r\n")],
    ],
    ids=["defaults", "path", "ends of lines"],
)
def test_a_text_is_known_where_it_stood_alone(changed: list[str]) -> None:
    source = [HEADS[1] + BLOCKS[0] + BLOCKS[2]]
    known = {one.said: one.spec.name for one in everything(source).schedules}
    found = rest(changed, known)
    assert found is not None
    assert (found.known, len(found.schedules)) == ({}, 2)


@pytest.mark.parametrize(
    "options", [ParseOptions(), ParseOptions("staging", "Europe/Berlin")], ids=["timezone", "environment"]
)
def test_a_text_is_known_under_its_options_alone(options: ParseOptions) -> None:
    source = [HEADS[1] + BLOCKS[0] + BLOCKS[2]]
    known = {one.said: one.spec.name for one in everything(source).schedules}
    found = rest(source, known, options)
    assert found is not None
    assert found.known == {}


@pytest.mark.parametrize(("what", "other"), [("edition", lambda: "2999z"), ("__version__", "999")])
def test_a_text_is_known_to_the_same_release_under_the_same_rules_of_zones_alone(
    monkeypatch: pytest.MonkeyPatch, what: str, other: object
) -> None:
    source = [HEADS[1] + BLOCKS[0] + BLOCKS[2]]
    known = {one.said: one.spec.name for one in everything(source).schedules}
    monkeypatch.setattr(blocks, what, other)
    found = rest(source, known)
    assert found is not None
    assert found.known == {}


@pytest.mark.parametrize("environment", [None, "staging"])
def test_environments_are_known_by_their_texts(environment: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ParseOptions(environment)
    source = [HEADS[0] + BLOCKS[0], HEADS[0] + BLOCKS[2] + BLOCKS[5], HEADS[0] + BLOCKS[5].replace("three", "four")]
    known = {one.said: one.spec.name for one in everything(source, options).schedules}
    assert sorted(known.values()) == ["four", "one", "three", "two"]
    parsed: list[SourceFile] = []

    def noted(file: SourceFile, options: ParseOptions) -> ParsedFile:
        parsed.append(file)
        return parse_file(file, options)

    monkeypatch.setattr("beatsync.parsing.parse_file", noted)
    monkeypatch.setattr("beatsync.workers.parse_file", lambda *_: pytest.fail("it is known"))
    assert rest(source, known, options) == Desired((), (), environment, known=known)
    # That somebody speaks of the environment that is asked for, one schedule tells.
    assert [file.data.decode() for file in parsed] == ([HEADS[0] + BLOCKS[5]] if environment else [])


def test_of_a_file_with_environments_what_is_not_declared_in_this_one_is_parsed_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    source = [HEADS[0] + BLOCKS[0] + BLOCKS[10] + BLOCKS[2]]
    known = {one.said: one.spec.name for one in everything(source).schedules}
    assert sorted(known.values()) == ["one", "two"]
    parsed: list[str] = []

    def noted(file: SourceFile, options: ParseOptions) -> ParsedFile:
        parsed.append(file.data.decode())
        return parse_file(file, options)

    monkeypatch.setattr("beatsync.workers.parse_file", noted)
    assert rest(source, known) == Desired((), known=known)
    assert parsed == [HEADS[0] + BLOCKS[10]]


@pytest.mark.parametrize("environment", ["stagin", "environments"])
def test_of_an_environment_that_nobody_speaks_of_only_all_tell(environment: str) -> None:
    options = ParseOptions(environment)
    source = [HEADS[0] + BLOCKS[0], HEADS[0] + BLOCKS[5]]
    known = {one.said: one.spec.name for one in everything(source, options).schedules}
    assert [one.code for one in everything(source, options).diagnostics] == ["environment-unknown"]
    assert rest(source, known, options) is None
    # Where nobody speaks of any, nothing is to be said.
    found = rest(source[:1], known, options)
    assert found is not None
    assert (found.schedules, found.diagnostics) == ((), ())


def test_an_edit_is_parsed_alone_and_keeps_its_place() -> None:
    source = [HEADS[1] + BLOCKS[0] + BLOCKS[2] + BLOCKS[4]]
    known = {one.said: one.spec.name for one in everything([HEADS[1] + BLOCKS[0] + BLOCKS[2]]).schedules}
    found = rest([HEADS[1] + BLOCKS[0] + BLOCKS[2].replace("0 3", "0 4")], known)
    assert found is not None
    ((one,), whole) = found.schedules, everything([HEADS[1] + BLOCKS[0] + BLOCKS[2].replace("0 3", "0 4")])
    assert (one, one.location.line) == (whole.schedules[1], 11)
    # Names that differ in case only are warned of, whichever of them is known.
    assert rest(source, known) is None
    # And accents are none to most collations of MariaDB and MySQL.
    assert rest([HEADS[1] + BLOCKS[0] + BLOCKS[2] + BLOCKS[4].replace("Two", "twó")], known) is None
