"""When a real beat runs the rows that BeatSync wrote: its own scheduler class, through several days under a controlled clock.

A new or changed schedule must first run at the next time that it names; with `--catch-up`, when stock beat runs the same row.
From 2.8.1 on stock beat loads no crontab whose hour is more than two hours away, so an overdue one runs only when its hours are
near again; the times here are near enough for every release to do the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.plan.model import Condition
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, Result, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend, task_maker
from tests.firing import beats

BEAT = tuple(map(int, version("django-celery-beat").split(".")[:2]))
CELERY = tuple(map(int, version("celery").split(".")[:2]))
MONDAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
AFTERWARDS = timedelta(hours=3)
"""How long beat runs after the last expected run; nothing more may run in this time."""
pytestmark = pytest.mark.skipif(
    BEAT < (2, 8),
    reason="before 2.8 django-celery-beat counts from its last reload, and misses changes (docs/facts.md, 25)",
)


def at(day: int, hour: int = 0, minute: int = 0) -> datetime:
    """Return a time of the week that begins on MONDAY, in UTC."""
    return MONDAY + timedelta(days=day - 1, hours=hour, minutes=minute)


class World:
    """A database, a directory with a single schedule, a beat and a clock."""

    def __init__(self, kind: str, backend: Backend, folder: Path, zone: str, start: datetime) -> None:
        self._stack = ExitStack()
        self.alias = backend.alias
        self.store = Store(backend.alias, project_settings=False)
        self.folder = folder
        self.kind = kind
        self._stack.enter_context(beats.routed_to(backend.alias))
        self.clock = self._stack.enter_context(beats.clock(start))
        self.app = self._stack.enter_context(beats.application(zone))
        self.beat: beats.Beat | None = None

    def declare(self, entry: str) -> None:
        text = f"schedules:\n  one: {{task: t, {entry}}}\n" if entry else "schedules: {}\n"
        (self.folder / "a.yaml").write_text(text, encoding="utf-8")

    def sync(self, entry: str | None = None, *, expect: Outcome = Outcome.APPLIED, **options: Any) -> Result:
        if entry is not None:
            self.declare(entry)
        result = sync(self.folder, self.store, SyncOptions(plan=PlanOptions(**options)))
        assert result.outcome is expect, result.plan.blocked or result.plan.diagnostics
        return result

    def run_until(self, end: datetime) -> list[datetime]:
        """Let beat run until `end`, and return when it ran the row."""
        if self.beat is None:
            self.beat = beats.Beat(self.kind, self.app, self.clock)
        ran = [instant for name, instant in self.beat.run_until(end) if name == "one"]
        # Beat wakes a few milliseconds after the planned time.
        return [instant.replace(microsecond=0) for instant in ran]

    def stop_beat(self) -> None:
        if self.beat is not None:
            self.beat.end()
            self.beat = None

    @property
    def rows(self) -> Any:
        return PeriodicTask.objects.using(self.alias).filter(name="one")

    @property
    def row(self) -> PeriodicTask:
        row: PeriodicTask = self.rows.get()
        return row

    def close(self) -> None:
        self.stop_beat()
        self._stack.close()


MakeWorld = Callable[..., World]


@pytest.fixture(params=beats.SCHEDULERS)
def make_world(request: pytest.FixtureRequest, sqlite_backend: Backend, tmp_path: Path) -> Iterator[MakeWorld]:
    with making(request.param, sqlite_backend, tmp_path) as make:
        yield make


@pytest.fixture(params=beats.SCHEDULERS)
def make_world_anywhere(request: pytest.FixtureRequest, backend: Backend, tmp_path: Path) -> Iterator[MakeWorld]:
    """Worlds on each database, because databases store times differently."""
    with making(request.param, backend, tmp_path) as make:
        yield make


@contextmanager
def making(kind: str, backend: Backend, folder: Path) -> Iterator[MakeWorld]:
    with ExitStack() as stack:

        def make(start: datetime = MONDAY, zone: str = "UTC") -> World:
            world = World(kind, backend, folder, zone, start)
            stack.callback(world.close)
            return world

        yield make


CHANGES = {
    # A day at nine becomes a day at ten, at noon (django-celery-beat's issues 537, 667, 683).
    "crontab moved to a time already past": (
        'crontab: "0 9 * * *"', 'crontab: "0 10 * * *"', at(1, 12), [at(2, 10)], [at(1, 12), at(2, 10)],
    ),
    "crontab moved to a time to come": (
        'crontab: "0 9 * * *"', 'crontab: "0 15 * * *"', at(1, 12), [at(1, 15), at(2, 15)], [at(1, 15), at(2, 15)],
    ),
    "interval shrunk": (
        "interval: 10h", "interval: 20h", at(1, 13), [at(2, 6), at(3, 2)], [at(2, 6), at(3, 2)],
    ),
    "interval shrunk below the time since the last run": (
        "interval: 10h", "interval: 2h, expires: 2026-06-01T18:30:00Z", at(1, 13), [at(1, 15), at(1, 17)],
        [at(1, 13), at(1, 15), at(1, 17)],
    ),
    "zone moved past": (
        'crontab: "0 9 * * *", timezone: Europe/Berlin', 'crontab: "0 9 * * *", timezone: UTC', at(1, 11),
        [at(2, 9)], [at(1, 11), at(2, 9)],
    ),
    "another kind": (
        "interval: 5h", 'crontab: "30 11 * * *"', at(1, 12), [at(2, 11, 30)], [at(1, 12), at(2, 11, 30)],
    ),
    "a past start_time where it ran already": (
        'crontab: "0 9 * * *"', 'crontab: "0 9 * * *", start_time: 2026-05-01T00:00:00Z', at(1, 12), [at(2, 9)], [at(2, 9)],
    ),
    "a past start_time where it never ran": (
        'crontab: "0 15 * * *"', 'crontab: "0 15 * * *", start_time: 2026-05-01T00:00:00Z', at(1, 13),
        [at(1, 15), at(2, 15)], [at(1, 13), at(1, 15), at(2, 15)],
    ),
    # Stock beat runs it as soon as its `start_time` comes, whatever the crontab says.
    "a crontab with a start_time to come": (
        'crontab: "0 9 * * *"', 'crontab: "0 9 * * *", start_time: 2026-06-02T10:00:00Z', at(1, 12), [at(3, 9)],
        [at(2, 10), at(3, 9)],
    ),
    "a start_time taken away": (
        'crontab: "0 9 * * *", start_time: 2026-06-05T17:00:00Z', 'crontab: "0 9 * * *"', at(1, 12), [at(2, 9)], [at(2, 9)],
    ),
    "a start_time brought forward": (
        'crontab: "0 9 * * *", start_time: 2026-06-05T17:00:00Z', 'crontab: "0 9 * * *", start_time: 2026-06-02T17:00:00Z',
        at(1, 12), [at(3, 9)], [at(3, 9)],
    ),
    "fields that are not part of the schedule": (
        'crontab: "0 15 * * *"', 'crontab: "0 15 * * *", queue: q, kwargs: {a: 1}', at(1, 12), [at(1, 15), at(2, 15)], [at(1, 15), at(2, 15)],
    ),
}  # fmt: skip


@pytest.mark.parametrize("catch_up", [False, True], ids=["as designed", "catch-up"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_schedule_first_runs_as_expected(make_world: MakeWorld, change: str, catch_up: bool) -> None:
    before, after, when, as_designed, as_stock = CHANGES[change]
    world = make_world()
    world.sync(before)
    world.run_until(when)
    plan = world.sync(after, catch_up=catch_up).plan
    expected = as_stock if catch_up else as_designed
    assert world.run_until(expected[-1] + AFTERWARDS) == expected
    assert plan.changes[0].fires_at_once is (catch_up and expected[0] == when)


def test_times_are_kept_on_each_database(make_world_anywhere: MakeWorld) -> None:
    world = make_world_anywhere(zone="Europe/Berlin")
    world.sync('crontab: "0 9 * * *", timezone: UTC')
    assert world.run_until(at(1, 12)) == [at(1, 9)]
    world.sync('crontab: "0 10 * * *", timezone: UTC')
    assert world.run_until(at(2, 9)) == []
    world.sync('crontab: "0 10 * * *", timezone: UTC, queue: q')
    assert world.run_until(at(2, 12)) == [at(2, 10)]


CREATED = {
    "crontab": ('crontab: "0 9 * * *"', [at(2, 9)], [at(2, 9)]),
    "interval": ("interval: 20h", [at(2, 8), at(3, 4)], [at(2, 8), at(3, 4)]),
    "crontab with a past start_time": (
        'crontab: "0 11 * * *", start_time: 2026-05-01T00:00:00Z', [at(2, 11)], [at(1, 12), at(2, 11)],
    ),
    "interval with a past start_time": (
        "interval: 20h, start_time: 2026-05-01T00:00:00Z", [at(2, 8), at(3, 4)], [at(1, 12), at(2, 8), at(3, 4)],
    ),
    "crontab with a start_time to come": (
        'crontab: "0 9 * * *", start_time: 2026-06-02T08:00:00Z', [at(2, 9)], [at(2, 8), at(2, 9)],
    ),
    "interval with a start_time to come": (
        "interval: 20h, start_time: 2026-06-02T08:00:00Z", [at(2, 8), at(3, 4)], [at(2, 8), at(3, 4)],
    ),
    "clocked": ("clocked: 2026-06-02T08:00:00Z", [at(2, 8)], [at(2, 8)]),
}  # fmt: skip


@pytest.mark.parametrize("catch_up", [False, True], ids=["as designed", "catch-up"])
@pytest.mark.parametrize("created", CREATED)
def test_a_new_row_first_runs_as_expected(make_world: MakeWorld, created: str, catch_up: bool) -> None:
    entry, as_designed, as_stock = CREATED[created]
    world = make_world(at(1, 11))
    world.run_until(at(1, 12))
    plan = world.sync(entry, catch_up=catch_up).plan
    expected = as_stock if catch_up else as_designed
    assert world.run_until(expected[-1] + AFTERWARDS) == expected
    assert plan.changes[0].fires_at_once is (catch_up and expected[0] == at(1, 12))


@pytest.mark.parametrize("entry", ["interval: 24h, queue: q", "interval: 24h, description: other, args: [1]"])
def test_the_next_run_of_a_row_that_never_ran_is_not_moved(make_world: MakeWorld, entry: str) -> None:
    """docs/facts.md, 4: a day's interval that is due in an hour must not wait another day because its queue changed."""
    world = make_world()
    world.sync("interval: 24h")
    world.run_until(at(1, 23))
    world.sync(entry)
    assert world.run_until(at(2, 12)) == [at(2)]


def test_repeated_syncs_do_not_delay_runs(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync("interval: 3h")
    ran = []
    for hour in range(1, 13):
        ran += world.run_until(at(1, hour))
        world.sync(expect=Outcome.UNCHANGED)
    ran += world.run_until(at(1, 12, 30))
    assert ran == [at(1, 3), at(1, 6), at(1, 9), at(1, 12)]


def test_an_overdue_run_is_not_lost(make_world: MakeWorld) -> None:
    """Beat was down at nine: the run is overdue, and a sync in between does not cancel it."""
    world = make_world()
    world.sync('crontab: "0 9 * * *"')
    assert world.run_until(at(2, 8)) == [at(1, 9)]
    world.stop_beat()
    world.clock.move_to(at(2, 11))
    assert world.sync('crontab: "0 10 * * *"').plan.changes[0].last_run_at is None
    world.clock.move_to(at(2, 12))
    assert world.run_until(at(3, 12)) == [at(2, 12), at(3, 10)]


@pytest.mark.parametrize("catch_up", [False, True], ids=["as designed", "catch-up"])
def test_an_enabled_row_first_runs_as_expected(make_world: MakeWorld, catch_up: bool) -> None:
    world = make_world()
    world.sync('crontab: "0 9 * * *"')
    assert world.run_until(at(1, 12)) == [at(1, 9)]
    # The toggle action of the admin does not change last_run_at.
    PeriodicTask.objects.using(world.alias).update(enabled=False)
    world.stop_beat()
    world.clock.move_to(at(2, 10))
    world.sync('crontab: "0 9 * * *", enabled: true', catch_up=catch_up)
    assert world.run_until(at(3, 12)) == ([at(2, 10)] if catch_up else []) + [at(3, 9)]


@pytest.mark.parametrize("catch_up", [False, True], ids=["as designed", "catch-up"])
def test_solar_schedules(make_world: MakeWorld, catch_up: bool) -> None:
    pytest.importorskip("ephem")
    berlin = "latitude: 52.52, longitude: 13.405"
    world = make_world()
    world.sync(f"solar: {{event: solar_noon, {berlin}}}")
    (noon,) = world.run_until(at(1, 18))
    assert at(1, 11) < noon < at(1, 11, 20)
    # Sunset in Berlin is at about 19:18 UTC.
    world.sync(f"solar: {{event: sunset, {berlin}}}", catch_up=catch_up)
    assert [at(1, 19) < instant < at(1, 20) for instant in world.run_until(at(1, 22))] == [True]
    world.sync(f"solar: {{event: dusk_civil, {berlin}}}", catch_up=catch_up)
    ran = world.run_until(at(2, 22))
    assert ran[:-1] == ([at(1, 22)] if catch_up else [])
    assert at(2, 19, 30) < ran[-1] < at(2, 21)


def test_a_finished_clocked_row_is_enabled_again_only_by_a_new_time(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync("clocked: 2026-06-01T06:00:00Z")
    assert world.run_until(at(1, 8)) == [at(1, 6)]
    resting = world.sync(expect=Outcome.UNCHANGED).plan
    assert resting.conditions == (("one", Condition.COMPLETED),)
    assert not world.row.enabled
    world.sync("clocked: 2026-06-01T06:00:00Z, queue: q, enabled: true")
    assert world.run_until(at(1, 12)) == []
    world.sync("clocked: 2026-06-01T14:00:00Z")
    assert world.run_until(at(2, 12)) == [at(1, 14)]
    world.sync('crontab: "0 13 * * *"')
    assert world.run_until(at(3, 12)) == [at(2, 13)]


def test_a_row_that_ran_cannot_become_a_one_off(make_world: MakeWorld) -> None:
    """Beat treats a one-off whose row has any run as finished, and the run count belongs to beat."""
    world = make_world()
    world.sync("interval: 3h")
    assert world.run_until(at(1, 4)) == [at(1, 3)]
    for entry in ("clocked: 2026-06-02T06:00:00Z", "interval: 3h, one_off: true"):
        refused = world.sync(entry, expect=Outcome.INVALID).plan
        assert [diagnostic.code for diagnostic in refused.diagnostics] == ["one-off-ran"]
    world.sync("clocked: 2026-06-02T06:00:00Z, enabled: false")
    assert world.run_until(at(2, 12)) == []


def test_a_one_off_runs_once(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync("interval: 3h, one_off: true")
    assert world.run_until(at(1, 8)) == [at(1, 3)]
    assert world.sync(expect=Outcome.UNCHANGED).plan.conditions == (("one", Condition.COMPLETED),)
    assert world.run_until(at(2, 8)) == []
    world.sync("interval: 4h, one_off: true")
    assert world.run_until(at(3, 8)) == [at(2, 12)]


def test_an_expired_row_is_enabled_again_by_a_later_expiry(make_world: MakeWorld) -> None:
    world = make_world()
    world.sync('crontab: "0 */4 * * *", expires: 2026-06-01T09:00:00Z')
    assert world.run_until(at(1, 14)) == [at(1, 4), at(1, 8)]
    assert not world.row.enabled
    assert world.sync(expect=Outcome.UNCHANGED).plan.conditions == (("one", Condition.COMPLETED),)
    world.sync('crontab: "0 */4 * * *", expires: 2026-06-02T01:00:00Z')
    assert world.run_until(at(2, 14)) == [at(1, 16), at(1, 20), at(2)]


DAYLIGHT = {
    "spring": (datetime(2026, 3, 28, 12, tzinfo=timezone.utc), datetime(2026, 3, 30, 12, tzinfo=timezone.utc)),
    "autumn": (datetime(2026, 10, 24, 12, tzinfo=timezone.utc), datetime(2026, 10, 26, 12, tzinfo=timezone.utc)),
}
IN_WORDS = {
    # docs/facts.md, 22: half past two does not exist in spring and occurs twice in autumn.
    ("spring", "30 2 * * *"): ["29 03:30 +0200", "30 02:30 +0200"],
    ("autumn", "30 2 * * *"): ["25 02:30 +0200", "26 02:30 +0100"],
    ("spring", "0 12 * * *"): ["29 12:00 +0200", "30 12:00 +0200"],
    ("autumn", "0 12 * * *"): ["25 12:00 +0100", "26 12:00 +0100"],
}


@pytest.mark.parametrize("expression", ["30 2 * * *", "0 12 * * *", "*/30 * * * *"])
@pytest.mark.parametrize("season", DAYLIGHT)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"], ids=["beat in UTC", "beat in Berlin"])
def test_runs_across_a_clock_change_are_those_of_stock_rows(
    make_world: MakeWorld, season: str, expression: str, zone: str
) -> None:
    """A row that BeatSync wrote and changed runs exactly when a row that it never changed does."""
    from zoneinfo import ZoneInfo

    from django_celery_beat.models import CrontabSchedule

    start, end = DAYLIGHT[season]
    if expression.startswith("*"):
        start, end = start + timedelta(hours=10), start + timedelta(hours=18)
    world = make_world(start, zone)
    minute, hour, *_ = expression.split()
    control = CrontabSchedule.objects.using(world.alias).create(minute=minute, hour=hour, timezone="Europe/Berlin")
    PeriodicTask.objects.using(world.alias).create(name="by hand", task="t", crontab=control)
    # The row of BeatSync counts from now, like the control row.
    world.sync('crontab: "0 5 * * *", timezone: Europe/Berlin')
    world.sync(f'crontab: "{expression}", timezone: Europe/Berlin')
    ran = world.run_until(end + timedelta(seconds=1))
    assert world.beat is not None
    by_hand = [instant.replace(microsecond=0) for name, instant in world.beat.ran if name == "by hand"]
    assert ran == by_hand
    if (season, expression) in IN_WORDS and CELERY >= (5, 7):
        berlin = ZoneInfo("Europe/Berlin")
        local_times = [f"{instant.astimezone(berlin):%d %H:%M %z}" for instant in ran if instant != start]
        assert local_times == IN_WORDS[season, expression]


def test_a_row_that_beat_resurrects_is_deleted_again(make_world: MakeWorld) -> None:
    """docs/facts.md, 26: a save of stock beat inserts the deleted row again; the thin scheduler's does not."""
    world = make_world()
    # Another row uses the interval; otherwise it would be deleted too, and beat could not insert the row.
    task_maker(world.alias)("another", enabled=False)
    world.sync("interval: 1h, one_off: true")
    world.run_until(at(1, 0, 30))
    world.clock.move_to(at(1, 1))
    assert world.beat is not None
    entry = world.beat._scheduler.schedule["one"]
    entry.model.total_run_count = 1
    world.rows.update(total_run_count=1)
    world.sync("", allow_empty=True)
    assert not world.rows.exists()
    entry.is_due()
    assert world.rows.exists() is (world.kind == "stock")
    if world.kind == "stock":
        gone = world.sync(allow_empty=True).plan
        assert [change.note for change in gone.changes] == ["beat restored it after it was deleted"]
    assert not world.rows.exists()
    world.sync(allow_empty=True, expect=Outcome.UNCHANGED)
