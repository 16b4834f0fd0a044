"""A lint is registered in one list and fires for every schedule; one across files fires on every run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from beatsync.specfile import solar
from beatsync.specfile.combine import CROSS_LINTS, SourceFacts, combine, cross_check, with_unregistered_tasks
from beatsync.specfile.interpret import Interpretation
from beatsync.specfile.lints import LINTS
from beatsync.specfile.parse import ParseOptions, parse_file
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


LONDON = "schedules:\n  dawn: {task: t, solar: {event: dawn_astronomical, latitude: 51.5, longitude: -0.1}}\n"


@pytest.mark.parametrize(("ends_beat", "severity"), [(False, Severity.WARNING), (True, Severity.ERROR)])
def test_a_solar_event_that_does_not_occur_on_some_days_is_reported(
    monkeypatch: pytest.MonkeyPatch, ends_beat: bool, severity: Severity
) -> None:
    monkeypatch.setattr(solar, "ends_beat", lambda: ends_beat)
    (reported,) = parse_file(file_of(LONDON), ParseOptions()).diagnostics
    assert (reported.code, reported.severity, reported.location.line) == ("solar-no-event", severity, 2)
    assert "at latitude 51.5 there are days without dawn_astronomical in May, June, July" in reported.message


def test_a_solar_event_that_occurs_on_every_day_is_not_reported() -> None:
    text = LONDON.replace("dawn_astronomical", "dawn_nautical")
    assert parse_file(file_of(text), ParseOptions()).diagnostics == ()


REGISTERED = frozenset({"shop.tasks.report", "celery.chord"})


def test_a_task_that_is_not_registered_is_reported_once_with_the_nearest_name() -> None:
    text = "schedules:\n  a: {task: shop.tasks.reprot, interval: 5m}\n  b: {task: shop.tasks.report, interval: 5m}\n"
    files = [file_of(text), file_of(text.replace("a:", "c:").replace("b:", "d:"), "z.yaml")]
    parsed = [parse_file(file, ParseOptions()) for file in files]
    desired = combine(parsed, (), ParseOptions())
    (reported,) = with_unregistered_tasks(desired, [file.facts for file in parsed], REGISTERED).diagnostics
    assert (reported.code, reported.severity, str(reported.location)) == (
        "task-unregistered",
        Severity.WARNING,
        "a.yaml:2:3",
    )
    assert "'shop.tasks.reprot'" in reported.message
    assert "1 more" in reported.message
    assert reported.hint == "did you mean shop.tasks.report?"


@pytest.mark.parametrize("tasks", [frozenset(), frozenset({"celery.chord"})])
def test_an_application_without_tasks_of_its_own_has_no_unregistered_tasks(tasks: frozenset[str]) -> None:
    parsed = parse_file(file_of(TEXT), ParseOptions())
    desired = combine([parsed], (), ParseOptions())
    assert with_unregistered_tasks(desired, [parsed.facts], tasks) == desired
