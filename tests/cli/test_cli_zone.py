"""The zone where no spec names one: which of the places that can give it comes first, and what `validate` says without one."""

from __future__ import annotations

import pytest
from celery import current_app

from tests.cli.commanding import InProcess, Project

SPEC = 'schedules:\n  nightly: {task: t, crontab: "0 2 * * *"}\n'


def test_the_places_that_give_the_zone_in_their_order(here: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    here.spec(SPEC)

    def zone(*words: str, **settings: str) -> str:
        result = here("plan", "--format", "json", *words, settings=settings)
        assert result.code == 0, result.err
        changes = result.json["changes"]
        if not changes:
            return str(here.rows()["nightly"].crontab.timezone)
        return next(str(field["after"]) for field in changes[0]["fields"] if field["field"] == "timezone")

    assert zone() == "UTC"
    assert here("sync", "--timezone", "Asia/Tokyo").code == 0
    assert zone() == "Asia/Tokyo"
    monkeypatch.setattr(current_app.conf, "timezone", "Europe/Berlin")
    assert zone() == "Europe/Berlin"
    assert zone(TIMEZONE="Europe/Rome") == "Europe/Rome"
    assert zone("--timezone", "America/Lima", TIMEZONE="Europe/Rome") == "America/Lima"


def test_a_sync_that_changes_the_zone_says_so_in_one_line(here: InProcess) -> None:
    here.spec(SPEC)
    assert here("sync", "--timezone", "Europe/Berlin").code == 0
    shown = here("sync", "--timezone", "UTC")
    assert shown.code == 0
    (line,) = [line for line in shown.out.splitlines() if "[zone-changed]" in line]
    assert "changes from Europe/Berlin to UTC; it moves 1 schedule [" in line


def test_a_saved_plan_keeps_the_zone_of_the_source(here: InProcess) -> None:
    here.spec(SPEC)
    assert here("sync", "--timezone", "Europe/Berlin").code == 0
    here.spec(SPEC + '  hourly: {task: t, crontab: "0 * * * *"}\n')
    assert here("plan", "--out", "plan.json").code == 0
    assert here("sync", "--plan", "plan.json").out.endswith("1 created, 1 unchanged.\n")
    assert str(here.rows()["hourly"].crontab.timezone) == "Europe/Berlin"


@pytest.mark.parametrize(
    ("body", "is_reported"),
    [
        ('crontab: "0 2 * * *"', True),
        ("crontab: {hour: 2, minute: 0}", True),
        ('clocked: "2099-01-05 03:00"', True),
        ("interval: 1h, expires: 2099-01-05", True),
        ("interval: 1h", False),
        ("clocked: 2099-01-05T03:00:00+01:00", False),
        ('crontab: "0 2 * * *", timezone: UTC', False),
        ("crontab: {hour: 2, minute: 0, timezone: UTC}", False),
        ("solar: {event: solar_noon, latitude: 1, longitude: 2}", False),
    ],
)
def test_validate_reports_a_zone_that_it_has_to_assume(here: InProcess, body: str, is_reported: bool) -> None:
    here.spec(f"schedules:\n  a: {{task: t, {body}}}\n  b: {{task: t, {body}}}\n")
    result = here("validate")
    assert result.code == 0
    assert result.out.count("[zone-assumed]") == is_reported
    assert not is_reported or "no time zone is given for 'a' and 1 more of this file; UTC is assumed" in result.out
    assert "zone-assumed" not in here("validate", "--timezone", "UTC").out
    assert "zone-assumed" not in here("validate", settings={"TIMEZONE": "UTC"}).out
    assert "zone-assumed" not in here("plan").out


def test_validate_in_a_project_knows_its_zone(project: Project) -> None:
    project.spec(SPEC)
    assert "zone-assumed" not in project("validate").out
    assert "[zone-assumed]" in project.beatsync("validate").out


def test_a_past_clocked_time_can_be_acknowledged(here: InProcess) -> None:
    here.spec(
        "schedules:\n  # beatsync: ignore[clocked-past] kept for the record\n  once: {task: t, clocked: 2001-01-01T00:00:00Z}\n"
    )
    for command in ("validate", "plan", "sync"):
        result = here(command, "--strict")
        assert (result.code, "clocked-past" in result.out, "ignore-unused" in result.out) == (0, False, False), result
    here.spec("schedules:\n  once: {task: t, clocked: 2001-01-01T00:00:00Z}\n")
    assert here("validate", "--strict").code == 3


def test_an_acknowledged_zone_is_used_by_validate_only(here: InProcess) -> None:
    here.spec(
        'schedules:\n  # beatsync: ignore[zone-assumed] UTC is meant\n  nightly: {task: t, crontab: "0 2 * * *"}\n'
    )
    for command in ("validate", "plan", "sync"):
        assert here(command, "--strict").code == 0


def test_validate_warns_about_a_clocked_time_that_has_passed(here: InProcess) -> None:
    here.spec("schedules:\n  once: {task: t, clocked: 2001-01-01T00:00:00Z}\n  hourly: {task: t, interval: 1h}\n")
    result = here("validate")
    assert (result.code, result.out.count("[clocked-past]")) == (0, 1)
    synced = here("sync")
    assert (synced.code, synced.out.count("[clocked-past]"), list(here.rows())) == (0, 1, ["hourly"])
    assert here("sync", "--catch-up").code == 0
    assert sorted(here.rows()) == ["hourly", "once"]
