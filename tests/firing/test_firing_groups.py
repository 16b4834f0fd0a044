"""A real beat around a sync that moves runs between the rows of one schedule: no run is doubled, and none is lost.

Beat runs with its own intervals: it looks for changes every 5 seconds, and records its runs after 180 seconds.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from datetime import datetime, timedelta, timezone
from importlib.metadata import version
from itertools import product

import pytest
from celery.schedules import crontab as celery_crontab

from beatsync.fingerprint import FileChanges
from beatsync.minute import seconds_to_wait
from beatsync.plan.diff import make_plan
from beatsync.store import Store
from beatsync.values import Crontab, Declared
from tests.builders import declared, desired, every, request
from tests.conftest import Backend, empty
from tests.firing import beats

pytestmark = pytest.mark.skipif(
    tuple(map(int, version("django-celery-beat").split(".")[:2])) < (2, 8),
    reason="before 2.8 django-celery-beat counts from its last reload, and misses changes (docs/facts.md, 25)",
)
MONDAY = datetime(2026, 6, 1, tzinfo=timezone.utc)
OFFICE = every("one", "* 8-17 * * 1-5", "*/15 0-7,18-23 * * 1-5", "*/15 * * * 0,6")
CHANGES = {
    "the window ends later": every("one", "* 8-18 * * 1-5", "*/15 0-7,19-23 * * 1-5", "*/15 * * * 0,6"),
    "the window is smaller and has fewer rows": every("one", "* 9-16 * * *", "*/15 0-8,17-23 * * *"),
    "the rows change places": every("one", "*/15 0-7,18-23 * * 1-5", "*/15 * * * 0,6", "* 8-17 * * 1-5"),
    "the window has minutes": every(
        "one", "* 9-17 * * 1-5", "30-59 8 * * 1-5", "0-14 18 * * 1-5", "0,15 8 * * 1-5", "*/15 0-7,19-23 * * *", "15,30,45 18 * * *"
    ),
    "every becomes a crontab": [declared("one", schedule=Crontab("*/2", "*", "*", "*", "*", "UTC"))],
}  # fmt: skip


def slots(rows: list[Declared], start: datetime, end: datetime) -> Counter[datetime]:
    """Return how often the rows of a schedule run in each minute from `start` to before `end`, as celery reads their crontabs."""
    runs: Counter[datetime] = Counter()
    for row in rows:
        assert isinstance(row.spec.schedule, Crontab)
        fields = celery_crontab(*row.spec.schedule.expression.split()[:2], *_days(row.spec.schedule))
        for number in range(int((end - start).total_seconds()) // 60):
            minute = start + timedelta(minutes=number)
            if (
                minute.minute in fields.minute
                and minute.hour in fields.hour
                and minute.isoweekday() % 7 in fields.day_of_week
            ):
                runs[minute] += 1
    return runs


def _days(schedule: Crontab) -> tuple[str, str, str]:
    return schedule.day_of_week, schedule.day_of_month, schedule.month_of_year


@pytest.fixture(params=beats.SCHEDULERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class World:
    """A database with the rows of one schedule, a beat and a clock."""

    def __init__(self, kind: str, alias: str, stack: ExitStack, start: datetime) -> None:
        empty(alias)
        stack.enter_context(beats.routed_to(alias))
        self.clock = stack.enter_context(beats.clock(start))
        self.store = Store(alias, project_settings=False)
        self._app = stack.enter_context(beats.application())
        self._kind = kind
        self._beat: beats.Beat | None = None

    def sync(self, rows: list[Declared], planned_at: datetime | None = None) -> None:
        """Make the rows equal to `rows`, as a sync does that commits now; its plan was made at `planned_at`, by default now."""
        now = planned_at or self.clock.now
        with self.store.locked("default", 0, "tests"):
            observed = self.store.observe("default")
            plan = make_plan(desired(*rows), observed, request(now=now))
            self.store.apply(plan, observed, FileChanges(), now)

    def run_until(self, end: datetime) -> None:
        if self._beat is None:
            self._beat = beats.Beat(self._kind, self._app, self.clock, check_interval=5.0, flush_after=180.0)
        self._beat.run_until(end)

    @property
    def runs(self) -> Counter[datetime]:
        assert self._beat is not None
        return Counter(instant.replace(second=0, microsecond=0) for _, instant in self._beat.ran)


def wrong_slots(
    kind: str, alias: str, rows: list[Declared], at: datetime, *, busy: float = 0.0, planned: float = 0.0
) -> Counter[datetime]:
    """Return by minute how many runs there were too many or too few around a sync at `at` that changes OFFICE to `rows`.

    Beat does nothing in the `busy` seconds before it. The plan was made `planned` seconds before it.
    """
    minute = at.replace(second=0, microsecond=0)
    start, next_minute, end = (minute + timedelta(minutes=number) for number in (-8, 1, 7))
    with ExitStack() as stack:
        world = World(kind, alias, stack, start - timedelta(seconds=10))
        world.sync(OFFICE)
        world.run_until(at - timedelta(seconds=busy))
        world.clock.move_to(at)
        world.sync(rows, at - timedelta(seconds=planned))
        world.run_until(end - timedelta(seconds=10))
        ran = world.runs
    expected = slots(OFFICE, start, next_minute) + slots(rows, next_minute, end)
    return Counter({slot: ran[slot] - expected[slot] for slot in ran | expected if ran[slot] != expected[slot]})


def check(kind: str, alias: str, change: str, at: datetime, busy: float = 0.0) -> None:
    """Stock beat reloads before it sends, and records late: the minute of the sync may run once more or not at all."""
    assert seconds_to_wait(at) == 0
    wrong = wrong_slots(kind, alias, CHANGES[change], at, busy=busy)
    if kind == "stock":
        wrong.pop(at.replace(second=0, microsecond=0), None)
    assert wrong == {}, at


@pytest.mark.parametrize("change", CHANGES)
def test_a_sync_doubles_no_run_and_loses_none(kind: str, change: str, sqlite_backend: Backend) -> None:
    for minutes, seconds in ((-1, 30.0), (0, 1.0), (0, 52.9)):
        at = MONDAY + timedelta(hours=18, minutes=minutes, seconds=seconds)
        check(kind, sqlite_backend.alias, change, at)
    # Beat was sending other tasks at six, and sees the change first.
    check(kind, sqlite_backend.alias, change, MONDAY + timedelta(hours=18, seconds=1.5), busy=2.0)


@pytest.mark.slow
@pytest.mark.parametrize("change", CHANGES)
def test_a_sync_at_any_time_near_the_edges_of_a_window(kind: str, change: str, sqlite_backend: Backend) -> None:
    for hour, minutes, seconds, busy in product((8, 18), (-2, -1, 0, 1), (1.0, 30.0, 52.9), (0.0, 2.0)):
        at = MONDAY + timedelta(hours=hour, minutes=minutes, seconds=seconds)
        check(kind, sqlite_backend.alias, change, at, busy)


def test_a_sync_across_the_beginning_of_a_minute_would_double_a_run(kind: str, sqlite_backend: Backend) -> None:
    """This is why such a sync waits: the new rows count from the plan, and the old ones ran in between."""
    at = MONDAY + timedelta(hours=17, seconds=1.5)
    assert seconds_to_wait(at - timedelta(seconds=3)) == pytest.approx(2.5)
    wrong = wrong_slots(kind, sqlite_backend.alias, CHANGES["the rows change places"], at, planned=3)
    assert wrong == {at.replace(second=0, microsecond=0): 1}
