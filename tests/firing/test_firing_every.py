"""When a real beat runs the rows of `every`: over a window's edges, a weekend, a holiday, New Year and both clock changes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.reconcile import Outcome, SyncOptions, sync
from tests.conftest import Backend
from tests.firing import beats
from tests.firing.test_firing_beat import MakeWorld, making, pytestmark  # noqa: F401  the mark skips old releases of beat
from tests.specfile.everyspecs import EverySpec

ROOT = Path(__file__).parent.parent.parent
ZONE = "Europe/Berlin"
SPEC = EverySpec(
    {"night": "20m", "office": "10m", "otherwise": "1h"},
    {
        "office": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "08:30", "to": "18:15", "except": ["closed"]},
        "night": {"days": ["thu", "fri", "sat"], "from": "23:30", "to": "03:10", "except": ["closed"]},
    },
    {"closed": [date(2026, 12, 24), date(2026, 12, 31), date(2027, 1, 1)]},
    ZONE,
)
TEXT = """\
defaults: {timezone: Europe/Berlin}
calendars: {closed: {dates: [2026-12-24, 2026-12-31, 2027-01-01]}}
windows:
  office: {days: mon-fri, from: "08:30", to: "18:15", except: closed}
  night: {days: thu-sat, from: "23:30", to: "03:10", except: [closed]}
schedules:
  one: {task: t, every: {night: 20m, office: 10m, otherwise: 1h}}
"""
PERIODS = {
    "office-ends-before-a-weekend": ("2026-06-05T15:30", 10),
    "office-begins-after-a-weekend": ("2026-06-08T05:30", 3),
    "holiday": ("2026-12-23T16:30", 17),
    "new-year": ("2026-12-31T21:30", 12),
    "clocks-put-forward": ("2027-03-27T22:00", 6),
    "clocks-put-back": ("2026-10-24T21:00", 7),
}
"""The first minute in UTC, and how many hours follow."""


@pytest.fixture(params=beats.SCHEDULERS)
def make_world(request: pytest.FixtureRequest, sqlite_backend: Backend, tmp_path: Path) -> Iterator[MakeWorld]:
    with making(request.param, sqlite_backend, tmp_path) as make:
        yield make


def expected(start: datetime, end: datetime) -> list[datetime]:
    """Return the minutes in which a clause fires; the second of two equal local hours fires nothing (docs/facts.md, 22)."""
    minutes = (start + timedelta(minutes=number) for number in range(1, int((end - start).total_seconds()) // 60))
    local = ((minute, minute.astimezone(ZoneInfo(ZONE))) for minute in minutes)
    return [minute for minute, at in local if not at.fold and SPEC.fires(at.date(), 60 * at.hour + at.minute)]


@pytest.mark.parametrize("period", PERIODS)
def test_a_beat_runs_exactly_what_the_clauses_say(period: str, make_world: MakeWorld) -> None:
    first, hours = PERIODS[period]
    start = datetime.fromisoformat(first).replace(tzinfo=timezone.utc)
    end = start + timedelta(hours=hours)
    # The last sync of a source that is no longer synced.
    world = make_world(start, ZONE)
    (world.folder / "a.yaml").write_text(TEXT, encoding="utf-8")
    assert sync(world.folder, world.store, SyncOptions()).outcome is Outcome.APPLIED
    beat = beats.Beat(world.kind, world.app, world.clock)
    # A minute is over before beat has run what was due in it.
    ran = [instant.replace(second=0, microsecond=0) for name, instant in beat.run_until(end) if name.startswith("one")]
    beat.end()
    assert sorted(ran) == expected(start, end)


@pytest.mark.parametrize(
    ("start", "expected_runs"),
    [
        ("07:50", ["08:00", "08:15", *(f"08:{minute}" for minute in range(30, 50))]),
        ("18:10", ["18:11", "18:12", "18:13", "18:14", "18:15", "18:30", "18:45", "19:00"]),
    ],
    ids=["the-office-opens-at-8.30", "the-office-closes-at-18.15"],
)
def test_the_example_follows_business_hours(start: str, expected_runs: list[str], make_world: MakeWorld) -> None:
    monday = datetime.fromisoformat(f"2026-06-08T{start}").replace(tzinfo=ZoneInfo(ZONE)).astimezone(timezone.utc)
    world = make_world(monday, ZONE)
    (world.folder / "a.yaml").write_bytes((ROOT / "schedules.d" / "basics.yaml").read_bytes())
    assert sync(world.folder, world.store, SyncOptions()).outcome is Outcome.APPLIED
    rows = PeriodicTask.objects.using(world.alias)
    # The other schedules of the file would make this beat tick every second.
    rows.exclude(task="shop.tasks.refresh_prices").delete()
    assert rows.filter(enabled=True).count() == 5
    beat = beats.Beat(world.kind, world.app, world.clock)
    ran = beat.run_until(monday + timedelta(hours=1))
    beat.end()
    assert [f"{instant.astimezone(ZoneInfo(ZONE)):%H:%M}" for _, instant in ran] == expected_runs
