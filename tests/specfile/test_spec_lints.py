"""A lint is registered in one list and fires for every schedule; one across files fires on every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beatsync.specfile import ParseOptions, combine, cross_check, parse_file
from beatsync.specfile.combine import CROSS_LINTS, SourceFacts
from beatsync.specfile.interpret import Interpretation
from beatsync.specfile.lints import LINTS
from beatsync.specfile.problems import Problem
from beatsync.values import Diagnostic, Location, Severity, SourceFile

BODIES = {
    "plain": "{task: t, crontab: '0 2 * * *'}",
    "from-defaults": "{crontab: '0 3 * * *'}",
    "with-environments": "{task: t, interval: 1h, environments: {staging: {crontab: '0 4 * * *'}}}",
    "only": "{task: t, crontab: '0 5 * * *', only: [production]}",
    "mapping": "{task: t, crontab: {minute: 0, hour: 6}}",
}
TEXT = "defaults: {task: d}\nschedules:\n" + "".join(f"  {name}: {body}\n" for name, body in BODIES.items())


def file_of(text: str, path: str = "a.yaml") -> SourceFile:
    return SourceFile(path, text.encode())


def no_crontab(schedule: Interpretation) -> Iterator[Problem]:
    if schedule.spec.schedule and schedule.spec.schedule.kind == "crontab":
        yield schedule.warning("crontab", "made-up", f"{schedule.spec.name} has a crontab", "remove it")


@pytest.mark.parametrize("environment", [None, "staging", "production", "other"])
def test_a_lint_added_at_run_time_fires_for_every_schedule(
    monkeypatch: pytest.MonkeyPatch, environment: str | None
) -> None:
    monkeypatch.setattr("beatsync.specfile.parse.LINTS", [*LINTS, no_crontab])
    parsed = parse_file(file_of(TEXT), ParseOptions(environment))
    assert [each.message for each in parsed.diagnostics] == [f"{name} has a crontab" for name in BODIES]
    assert {each.severity for each in parsed.diagnostics} == {Severity.WARNING}
    assert parsed.facts.warnings == parsed.diagnostics
    lines = TEXT.splitlines()
    for each in parsed.diagnostics:
        assert each.location.line
        assert each.location.column
        assert lines[each.location.line - 1][each.location.column - 1 :].startswith(("'0 ", "{minute"))


def test_the_list_of_lints_is_the_one_that_runs() -> None:
    LINTS.append(no_crontab)
    try:
        assert len(parse_file(file_of(TEXT), ParseOptions()).diagnostics) == len(BODIES)
    finally:
        LINTS.remove(no_crontab)
    assert parse_file(file_of(TEXT), ParseOptions()).diagnostics == ()


def too_few_files(source: SourceFacts) -> Iterator[Diagnostic]:
    if len(source.files) < 3:
        yield Diagnostic(Severity.WARNING, "made-up", f"only {len(source.files)} files", Location(source.files[0].path))


def test_a_lint_across_files_fires_whether_files_were_parsed_or_are_unchanged() -> None:
    options = ParseOptions()
    parsed = [
        parse_file(file_of(f"schedules:\n  {name}: {{task: t, interval: 1h}}\n", f"{name}.yaml"), options)
        for name in "ab"
    ]
    CROSS_LINTS.append(too_few_files)
    try:
        for changed in range(3):
            unchanged = [file.facts for file in parsed[changed:]]
            desired = combine(parsed[:changed], unchanged, options)
            assert [each.message for each in desired.diagnostics] == ["only 2 files"]
        assert len(cross_check([file.facts for file in parsed], None)) == 1
    finally:
        CROSS_LINTS.remove(too_few_files)


@pytest.mark.parametrize(
    ("crontab", "codes"),
    [
        ("'0 0 13 * fri'", ["crontab-and"]),
        ("'0 0 13 * *'", []),
        ("'0 0 */2 * fri'", []),
        ("{hour: 3}", ["crontab-minute"]),
        ("{hour: 3, minute: 0}", []),
        ("{day_of_month: 1, day_of_week: mon}", ["crontab-and", "crontab-minute"]),
        ("{hour: 25}", ["crontab-range"]),
    ],
)
def test_the_lints_of_crontabs(crontab: str, codes: list[str]) -> None:
    parsed = parse_file(file_of(f"schedules:\n  a: {{task: t, crontab: {crontab}}}\n"), ParseOptions())
    assert sorted(each.code for each in parsed.diagnostics) == codes
