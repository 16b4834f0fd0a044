"""A comment acknowledges warnings, never errors; one that acknowledges nothing is reported."""

from __future__ import annotations

import pytest

from beatsync.specfile.combine import combine, with_unregistered_tasks
from beatsync.specfile.facts import facts_from_json, facts_to_json
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file
from beatsync.values import Desired, SourceFile

FRIDAY = 'crontab: "0 0 13 * fri"'
WHY = "beatsync: ignore[crontab-and] Friday the 13th"


def parsed(text: str, path: str = "a.yaml") -> ParsedFile:
    return parse_file(SourceFile(path, text.encode()), ParseOptions())


def result(*files: ParsedFile) -> tuple[list[str], int]:
    desired = combine(files, (), ParseOptions())
    return [f"{each.location.line} {each.code}" for each in desired.diagnostics], desired.acknowledged


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        (f"  # {WHY}\n  a: {{task: t, {FRIDAY}}}\n", []),
        (f"  # {WHY}\n\n  # more\n  a:\n    task: t\n    {FRIDAY}\n", []),
        (f"  a: # {WHY}\n    task: t\n    {FRIDAY}\n", []),
        (f"  a:\n    task: t\n    {FRIDAY} # {WHY}\n", []),
        # Only a plan knows whether there is a warning of these codes.
        (f"  a: {{task: t, {FRIDAY}}} # {WHY.replace(']', ', clocked-past, rename-possible, window-deadline]')}\n", []),
        # Near misses: the line of another key, the schedule before, a text, and another word.
        (f"  a:\n    task: t # {WHY}\n    {FRIDAY}\n", ["3 ignore-unused", "4 crontab-and"]),
        (f"  # {WHY}\n  a: {{task: t, interval: 5m}}\n  b: {{task: t, {FRIDAY}}}\n", ["2 ignore-unused", "4 crontab-and"]),
        (f'  a:\n    task: t\n    description: "# {WHY}"\n    {FRIDAY}\n', ["5 crontab-and"]),
        (f"  a: {{task: t, {FRIDAY}}} # beatsync: ignored[crontab-and] why\n", ["2 crontab-and"]),
        (f"  a: {{task: t, {FRIDAY}}} # beatsync: ignore[crontab] why\n", ["2 crontab-and", "2 ignore-unused"]),
        (f"  a: {{task: t, {FRIDAY}}} # beatsync: ignore[crontab-and]\n", ["2 ignore-reason"]),
    ],
)  # fmt: skip
def test_a_comment_acknowledges_the_warnings_of_its_lines(text: str, reported: list[str]) -> None:
    is_acknowledged = not any("crontab-and" in each for each in reported)
    assert result(parsed(f"schedules:\n{text}")) == (reported, int(is_acknowledged))


def test_the_nearest_of_two_comments_counts() -> None:
    text = f"schedules:\n  # {WHY}\n  a:\n    task: t\n    {FRIDAY} # {WHY}\n"
    assert result(parsed(text)) == (["2 ignore-unused"], 1)


def test_an_error_cannot_be_acknowledged() -> None:
    text = "schedules:\n  # beatsync: ignore[interval-unit] never mind\n  a: {task: t, interval: 5 eons}\n"
    assert result(parsed(text)) == (["3 interval-unit"], 0)


def test_any_number_of_warnings_can_be_acknowledged() -> None:
    lines = "".join(f"  a{number}: {{task: t, {FRIDAY}}} # {WHY}\n" for number in range(250))
    assert result(parsed(f"schedules:\n{lines}")) == ([], 250)
    unacknowledged = f"  z: {{task: t, {FRIDAY}}}\n" * 1
    assert result(parsed(f"schedules:\n{lines}{unacknowledged}")) == (["252 crontab-and"], 250)


def test_warnings_beyond_the_limit_are_counted_without_the_acknowledged_ones() -> None:
    lines = "".join(f"  a{number}: {{task: t, {FRIDAY}}}{f' # {WHY}' if number % 2 else ''}\n" for number in range(300))
    file = parsed(f"schedules:\n{lines}")
    assert len(file.diagnostics) == 101
    assert file.diagnostics[-1].message.startswith("50 more problems")


def test_a_warning_that_involves_two_files_is_acknowledged_in_each() -> None:
    comment = " # beatsync: ignore[name-collision] the database distinguishes case"
    files = [
        parsed(f"schedules:\n  twin: {{task: t, interval: 5m}}{comment}\n"),
        parsed("schedules:\n  TWIN: {task: t, interval: 5m}\n", "b.yaml"),
    ]
    assert result(*files) == (["2 name-collision"], 1)
    assert result(files[0]) == (["2 ignore-unused"], 0)


def test_a_task_of_another_application_is_acknowledged_where_an_application_is_loaded() -> None:
    comment = "# beatsync: ignore[task-unregistered] of another project"
    file = parsed(
        f"schedules:\n  a: {{task: t, interval: 5m}} {comment}\n  b: {{task: t, interval: 5m}}\n"
        f"  c: {{task: u, interval: 5m}} {comment}\n"
    )
    assert result(file) == ([], 0)

    def checked(*tasks: str) -> Desired:
        return with_unregistered_tasks(combine([file], (), ParseOptions()), [file.facts], tasks)

    desired = checked("u")
    assert [(each.location.line, each.code) for each in desired.diagnostics] == [
        (3, "task-unregistered"), (4, "ignore-unused"),
    ]  # fmt: skip
    assert desired.acknowledged == 1
    assert checked() == combine([file], (), ParseOptions())


def test_an_unchanged_file_acknowledges_as_it_did_when_it_was_parsed() -> None:
    text = (
        f"schedules:\n  a: {{task: t, {FRIDAY}}} # {WHY}\n  # beatsync: ignore[name-collision, crontab-and]\n"
        "  twin: {task: t, interval: 5m}\n  TWIN: {task: t, interval: 5m}\n"
    )
    file = parsed(text)
    facts = facts_from_json("a.yaml", facts_to_json(file.facts))
    assert facts.acknowledgements == file.facts.acknowledgements
    first, second = combine([file], (), ParseOptions()), combine((), [facts], ParseOptions())
    assert (second.diagnostics, second.acknowledged) == (first.diagnostics, first.acknowledged)
    assert [each.code for each in first.diagnostics] == ["ignore-reason", "ignore-unused", "name-collision"]
    assert first.acknowledged == 2
