"""What `every` compiles to against a naive interpretation of its clauses, and against celery on days when clocks change."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from beatsync.plan.firing import is_due
from beatsync.plan.observed import Row
from beatsync.specfile.every.gaps import gaps
from beatsync.values import Crontab, TaskSpec
from tests.specfile.everyspecs import YEAR, ZONES, EverySpec, matches, specs
from tests.specfile.test_spec_fuzz import short_and_long

WEEKS = 12
MINUTE = timedelta(minutes=1)


def slots(rows: list[Crontab], first: date, days: int) -> Counter[int]:
    """Return how often the rows name each local minute, counted from the first day."""
    found: Counter[int] = Counter()
    for fields in map(matches, rows):
        minutes = [60 * hour + minute for hour in fields["hour"] for minute in fields["minute"]]
        for number in range(days):
            day = first + timedelta(days=number)
            place = {"day_of_month": day.day, "month_of_year": day.month, "day_of_week": day.isoweekday() % 7}
            if all(value in fields[name] for name, value in place.items()):
                found.update(1440 * number + minute for minute in minutes)
    return found


def naive_slots(spec: EverySpec, first: date, days: int) -> set[int]:
    each = [(number, first + timedelta(days=number)) for number in range(days)]
    return {1440 * number + minute for number, day in each for minute in range(1440) if spec.fires(day, minute)}


def near_a_gap(spec: EverySpec, minute: datetime) -> bool:
    """Return whether a minute is within a gap or just behind it, where celery moves runs."""
    return any(gap.start <= minute < gap.end + (gap.end - gap.start) for gap in gaps(spec.zone, YEAR))


@short_and_long(25, 2_000)
def test_no_slot_is_doubled_and_none_is_lost_over_twelve_weeks(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(specs(), st.integers(0, 2 * 365 - WEEKS * 7))
    def run(spec: EverySpec, start: int) -> None:
        first = date(YEAR, 1, 1) + timedelta(days=start)
        found = slots(spec.rows(), first, WEEKS * 7)
        assert max(found.values(), default=1) == 1, "a slot is doubled"
        expected = naive_slots(spec, first, WEEKS * 7)
        midnight = datetime.combine(first, datetime.min.time())
        differing = (midnight + number * MINUTE for number in found.keys() ^ expected)
        assert not [each for each in differing if not near_a_gap(spec, each)]

    run()


@short_and_long(40, 500)
def test_the_turns_of_the_years_are_exact(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(specs())
    def run(spec: EverySpec) -> None:
        rows = spec.rows()
        for first, days in ((date(YEAR, 1, 1), 2), (date(YEAR, 12, 30), 4), (date(YEAR + 1, 12, 30), 3)):
            assert slots(rows, first, days) == Counter(naive_slots(spec, first, days))

    run()


@lru_cache(maxsize=4096)
def runs(fields: tuple[str, ...], zone: str, start: datetime, minutes: int) -> list[datetime]:
    """Return when a beat that looks every minute runs a crontab row, by the installed celery."""
    spec = TaskSpec("one", "t", Crontab._make([*fields, zone]))
    last, found = start - MINUTE, []
    for number in range(minutes):
        now = start + number * MINUTE
        if is_due(Row(row_id=1, spec=spec, last_run_at=last, total_run_count=1, date_changed=start), now):
            found.append(now)
            last = now
    return found


def plain_rows(spec: EverySpec, day: date) -> dict[str, list[tuple[str, ...]]]:
    """Return for each clause the one plain row of this day, or, if its hours differ, a row for each kind of hour."""
    rows: dict[str, list[tuple[str, ...]]] = {}
    for name in spec.every:
        hours: dict[str, list[int]] = {}
        for hour in range(24):
            own = ",".join(str(minute) for minute in range(60) if spec.fires(day, 60 * hour + minute) == name)
            if own:
                hours.setdefault(own, []).append(hour)
        date_fields = (str(day.day), str(day.month), "*")
        rows[name] = [(own, ",".join(map(str, found)), *date_fields) for own, found in hours.items()]
    return rows


def changes(zone: str) -> list[datetime]:
    """Return when the clocks of a zone change, in UTC, to the hour."""
    tz = ZoneInfo(zone)
    hours = (datetime(YEAR, 1, 1, tzinfo=timezone.utc) + timedelta(hours=number) for number in range(365 * 24))
    return [
        each
        for each in hours
        if each.astimezone(tz).utcoffset() != (each + timedelta(hours=1)).astimezone(tz).utcoffset()
    ]


CHANGES = [(zone, each) for zone in ZONES for each in changes(zone)]
BEFORE, AROUND = timedelta(minutes=90), 4 * 60
# It compiles to 91 rows in UTC. In Nuuk the clocks change on one of its dates: it would need 109, and is refused.
ALMOST_TOO_MANY_ROWS = EverySpec(
    {"night": "20m", "office": "1m", "otherwise": "30m"},
    {"night": {"from": "12:00", "to": "02:10", "except": ["fair"]}, "office": {"from": "01:00"}},
    {"fair": [date(YEAR, 1, 1) + timedelta(days=17 * number) for number in range(16)]},
)


@short_and_long(15, 600)
def test_on_days_when_clocks_change_celery_runs_what_it_would_run_of_plain_rows(examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(specs(), st.sampled_from(CHANGES))
    @example(ALMOST_TOO_MANY_ROWS, ("America/Nuuk", changes("America/Nuuk")[0]))
    def run(spec: EverySpec, change: tuple[str, datetime]) -> None:
        zone, instant = change
        spec = replace(spec, zone=zone)
        assume(spec.is_valid())
        compare_with_plain_rows(spec, instant)

    run()


def compare_with_plain_rows(spec: EverySpec, instant: datetime) -> None:
    """Check that the rows run whatever a plain row of each clause would run, and nothing else.

    celery runs the first skipped time of each row behind a gap, and of that row nothing in between. A clause whose skipped hours
    differ, which needs a gap of more than one hour, has several plain rows, and so several such runs: of these, only the first has
    to be there. A slot that the clauses name is never too much, also where celery would pass over it in a plain row.
    """
    start, tz = instant - BEFORE, ZoneInfo(spec.zone)
    days = {each.astimezone(tz).date() for each in (start, start + AROUND * MINUTE)}
    rows = [plain_rows(spec, day) for day in days]

    def local_time(each: datetime) -> datetime:
        return each.astimezone(tz).replace(tzinfo=None)

    def is_named(each: datetime) -> bool:
        local = local_time(each)
        return bool(spec.fires(local.date(), 60 * local.hour + local.minute))

    plain, needed = set[datetime](), set[datetime]()
    for name in spec.every:
        found = {each for by_name in rows for row in by_name[name] for each in runs(row, spec.zone, start, AROUND)}
        moved = sorted(each for each in found if not is_named(each))
        plain |= found
        needed |= found.difference(moved[1:])
    compiled = [each for row in spec.rows() for each in runs(row[:5], spec.zone, start, AROUND)]
    # A local time that comes twice is one slot.
    assert max(Counter(map(local_time, compiled)).values(), default=1) == 1, "a slot is doubled"
    assert sorted(needed.difference(compiled)) == [], "a slot is lost"
    assert [each for each in sorted(set(compiled) - plain) if not is_named(each)] == [], "a slot is too much"


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_window_that_ends_in_the_skipped_hour_doubles_nothing(zone: str) -> None:
    for start, end in (("00:00", "03:00"), ("02:30", "05:00"), ("01:00", "02:30"), ("02:00", "03:00")):
        spec = EverySpec({"night": "1m", "otherwise": "15m"}, {"night": {"from": start, "to": end}}, zone=zone)
        for instant in changes(zone):
            compare_with_plain_rows(spec, instant)


def test_behind_a_gap_of_two_hours_a_clause_runs_once() -> None:
    spec = EverySpec({"office": "1m"}, {"office": {"from": "00:00", "to": "02:30"}}, zone="Antarctica/Troll")
    spring = changes(spec.zone)[0]
    compare_with_plain_rows(spec, spring)
    compiled = {each for row in spec.rows() for each in runs(row[:5], spec.zone, spring - BEFORE, AROUND)}
    behind = sorted(each.astimezone(ZoneInfo(spec.zone)) for each in compiled if each >= spring + timedelta(hours=1))
    assert [each.strftime("%H:%M") for each in behind] == ["03:00"]


# A window of whole hours that celery runs as one plain row, and what that row is.
ALONE = [("00:00", "24:00", "15m", "*/15 *"), ("08:00", "18:00", "1m", "* 8-17"), ("02:00", "03:00", "5m", "*/5 2"), ("22:00", "03:00", "10m", "*/10 22-23,0-2"), ("00:00", "24:00", "2h", "0 */2")]  # fmt: skip


@pytest.mark.parametrize(("start", "end", "text", "plain"), ALONE)
def test_a_clause_alone_runs_like_its_one_plain_row(start: str, end: str, text: str, plain: str) -> None:
    for zone in ("Europe/Berlin", "America/Santiago"):
        spec = EverySpec({"w": text}, {"w": {"from": start, "to": end}}, zone=zone)
        for instant in changes(zone):
            compiled = sorted(each for row in spec.rows() for each in runs(row[:5], zone, instant - BEFORE, AROUND))
            assert compiled == runs((*plain.split(), "*", "*", "*"), zone, instant - BEFORE, AROUND)
