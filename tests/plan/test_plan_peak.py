"""What a plan does to the peak is the difference between the rows before and after it."""

from __future__ import annotations

from collections import Counter

from beatsync.plan.model import PeakChange
from beatsync.plan.peak import crontab_changes, peak_change
from beatsync.specfile import crontab
from beatsync.values import Crontab, Declared
from tests.builders import NOW, declared, desired, guarded, observed, owned, row


def cron(expression: str) -> Crontab:
    return crontab.from_expression(expression, "UTC")


TWO, THREE = cron("0 2 * * *"), cron("0 3 * * *")
A, B = declared("a", schedule=TWO), declared("b", schedule=TWO)


def changes(before: tuple[Declared, ...], after: tuple[Declared, ...], **columns: object) -> Counter[Crontab]:
    """Return the changes of a sync from `before` to `after`, of rows with other `columns` than the files had."""
    rows = [row(each, number, **columns) for number, each in enumerate(before, 1)]
    entries = tuple(owned(each, number) for number, each in enumerate(before, 1))
    database = observed(*rows, inventory=entries)
    return crontab_changes(guarded(desired(*after), database), database)


def test_rows_that_are_created_deleted_and_moved_count() -> None:
    assert changes((), (A, B)) == {TWO: 2}
    assert changes((A, B), (A,)) == {TWO: -1}
    assert changes((A, B), (A, declared("b", schedule=THREE))) == {TWO: -1, THREE: 1}
    assert changes((A,), (declared("a", schedule=TWO, queue="slow"),)) == {}
    assert changes((A,), (declared("a", schedule=TWO, enabled=False),)) == {TWO: -1}


def test_a_paused_row_counts_neither_before_nor_after() -> None:
    assert changes((A,), (declared("a", schedule=THREE),), enabled=False) == {}


def test_only_another_peak_is_reported() -> None:
    rows = {TWO: 3, THREE: 1}
    assert peak_change(rows, {TWO: -2, THREE: 1}, NOW) == PeakChange(3, 2)
    assert peak_change(rows, {THREE: 1}, NOW) is None
    assert peak_change({}, {cron("*/5 * * * *"): 4}, NOW) == PeakChange(0, 4)


def test_a_crontab_that_celery_refuses_has_no_runs() -> None:
    assert peak_change({Crontab("99", "*", "*", "*", "*", "UTC"): 5, TWO: 1}, {TWO: 1}, NOW) == PeakChange(1, 2)
