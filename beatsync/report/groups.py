"""Parts of a plan, grouped for reading, and lists cut to a length that people read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from beatsync.plan.drift import RowState
from beatsync.plan.groups import row_order
from beatsync.plan.model import Blocked, Condition

MAX_NAMES = 20
"""Names, or reasons with the same fix, that are listed before the rest is only counted."""


def first_names(names: Sequence[str]) -> str:
    """Return the first names of a list and how many more there are."""
    more = len(names) - MAX_NAMES
    return ", ".join(names[:MAX_NAMES]) + (f" and {more:,} more" if more > 0 else "")


def names_by_condition(conditions: Iterable[tuple[str, Condition]]) -> Iterator[tuple[Condition, list[str]]]:
    """Yield each condition of the `(name, condition)` pairs with its names, unescaped."""
    names: dict[Condition, list[str]] = {}
    for name, condition in conditions:
        names.setdefault(condition, []).append(name)
    yield from ((condition, names[condition]) for condition in Condition if condition in names)


def noted(name: str, note: str) -> str:
    """Return a name with a note in brackets, both escaped already."""
    return f"{name} ({note})" if note else name


def by_schedule(rows: Iterable[RowState]) -> Iterator[tuple[str, list[RowState]]]:
    """Yield each schedule with its rows, in the order of its first one."""
    schedules: dict[str, list[RowState]] = {}
    for row in rows:
        schedules.setdefault(row.schedule, []).append(row)
    for name, group in schedules.items():
        yield name, sorted(group, key=lambda row: row_order(row.name))


def same_fix(blocked: Iterable[Blocked]) -> Iterator[list[Blocked]]:
    """Yield neighbours with the same code and hint together: a first sync into a used database has hundreds of conflicts."""
    for _, group in groupby(blocked, key=lambda reason: (reason.code, reason.hint)):
        yield list(group)


def listed_names(blocked: Blocked) -> tuple[str, ...]:
    """Return the names to list below the message, which itself contains a single name."""
    return blocked.names if len(blocked.names) > 1 else ()
