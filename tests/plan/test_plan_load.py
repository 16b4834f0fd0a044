"""The load of a window counts the runs that the schedules have, and what is proposed lowers its peak as promised."""

from __future__ import annotations

from collections import Counter
from datetime import datetime, timedelta, timezone
from decimal import Decimal

from beatsync.plan.leveling import level
from beatsync.plan.load import Load, count_load
from beatsync.plan.upcoming import Timed, of_files
from beatsync.specfile import crontab
from beatsync.values import Clocked, Crontab, Declared, Interval, Solar
from tests.builders import declared, every

# A week in which the clocks change in Berlin and Lord Howe.
START = datetime(2026, 3, 29, tzinfo=timezone.utc)
END = START + timedelta(days=7)
MINUTE = timedelta(minutes=1)


def cron(expression: str, zone: str = "UTC") -> Crontab:
    return crontab.from_expression(expression, zone)


def timed(*schedules: Declared) -> tuple[Timed, ...]:
    return of_files(schedules, START).schedules


def load_of(*schedules: Declared) -> Load:
    return count_load(timed(*schedules), START, END)


def nightlies(number: int, expression: str = "0 2 * * *") -> list[Declared]:
    return [declared(f"nightly-{index:02}", schedule=cron(expression)) for index in range(number)]


def test_it_counts_each_run_in_its_minute_and_queue() -> None:
    schedules = [
        declared("berlin", schedule=cron("*/30 1-3 * * *", "Europe/Berlin"), queue="slow"),
        declared("howe", schedule=cron("15 * * * 0,6", "Australia/Lord_Howe"), queue="slow"),
        declared("same", schedule=cron("*/30 1-3 * * *", "Europe/Berlin")),
        declared("sun", schedule=Solar("sunset", Decimal("52.52"), Decimal("13.405"))),
        declared("once", schedule=Clocked(START + 90.5 * MINUTE)),
        declared("ends", schedule=cron("* * * * *"), expires=START + 5 * MINUTE),
        declared("starts", schedule=cron("0 * * * *"), start_time=END - timedelta(hours=3)),
        declared("one-off", schedule=cron("7 * * * *"), one_off=True),
        declared("off", schedule=cron("* * * * *"), enabled=False),
        *every("office", "* 8 * * *", "*/15 9 * * *"),
    ]
    expected: dict[str | None, Counter[int]] = {"slow": Counter(), None: Counter()}
    for each in timed(*schedules):
        expected[each.queue].update((run - START) // MINUTE for run in each.timetable.runs(START, END))
    load = load_of(*schedules)
    for queue, counts in expected.items():
        assert list(load.queues[queue].counts) == [counts[minute] for minute in range(7 * 1440)]
    assert load.total.runs == sum(counts.total() for counts in expected.values())
    assert expected[None][5] == 0 < expected[None][4]


def test_the_busiest_minute_is_named_with_its_schedules() -> None:
    load = load_of(*nightlies(3), declared("alone", schedule=cron("0 5 1 4 *")))
    first, second = load.busiest
    assert first == (START + timedelta(hours=2), 3, ("nightly-00", "nightly-01", "nightly-02"), 7)
    assert second.names == ("alone",)
    assert (load.total.peak, load.total.peak_at) == (3, START + timedelta(hours=2))
    assert load.total.mean == 22 / (7 * 1440)


def test_intervals_count_as_evenly_spread() -> None:
    load = load_of(declared("tick", schedule=Interval(30, "seconds")), *nightlies(1))
    assert (load.total.even, load.total.peak, load.intervals) == (2.0, 3.0, 1)
    assert load.total.runs == 2 * 7 * 1440 + 7
    assert count_load((), START, END).total.runs == 0


def moved(schedules: list[Declared], minutes: dict[str, str]) -> list[Declared]:
    """Return the schedules as their files would be after the proposal."""
    return [
        each._replace(spec=each.spec._replace(schedule=each.spec.schedule._replace(minute=minutes[each.spec.name])))
        if each.spec.name in minutes and isinstance(each.spec.schedule, Crontab)
        else each
        for each in schedules
    ]


def test_crowded_schedules_move_within_their_hour_to_the_promised_peak() -> None:
    schedules = [
        *nightlies(61),
        declared("hourly", schedule=cron("0 * * * *")),
        declared("lists", schedule=cron("0,1 2 * * *")),
        declared("quiet", schedule=cron("30 9 * * *")),
    ]
    leveling = level(timed(*schedules), load_of(*schedules))
    proposed = {proposal.name: proposal.after.minute for proposal in leveling.proposals}
    assert load_of(*moved(schedules, proposed)).total.peak == leveling.peak == 2
    assert all(
        proposal.after == proposal.before._replace(minute=proposal.after.minute) for proposal in leveling.proposals
    )
    assert not {"lists", "quiet"} & proposed.keys()
    assert len(proposed) <= 61
    hashed = dict.fromkeys(leveling.crowded, "H")
    assert {"nightly-00", "nightly-60"} <= hashed.keys()
    resolved = {name: crontab.from_expression(f"{_minute(name)} 2 * * *", "UTC").minute for name in hashed}
    assert load_of(*moved(schedules, resolved)).total.peak == leveling.hashed_peak < 62


def _minute(name: str) -> str:
    from beatsync.specfile.spread import resolve

    return str(resolve("H 2 * * *", name)).split()[0]


def test_schedules_of_many_runs_share_the_minutes_of_every_hour() -> None:
    schedules = nightlies(120, "0 * * * *")
    leveling = level(timed(*schedules), load_of(*schedules))
    assert leveling.peak == 2
    assert len(leveling.proposals) == 118


def test_rows_of_every_do_not_move() -> None:
    schedules = every("office", "0 8 * * *", "0 9 * * 1")
    twins = [with_other_name(each) for each in schedules]
    assert not level(timed(*schedules, *twins), load_of(*schedules, *twins)).proposals


def with_other_name(each: Declared) -> Declared:
    return each._replace(spec=each.spec._replace(name=f"x{each.spec.name}"), group="twin")
