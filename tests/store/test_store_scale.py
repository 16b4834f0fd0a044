"""On a network statements are expensive, not rows: their number is limited on every database."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from beatsync.plan.model import Change
from beatsync.plan.observed import Row
from beatsync.store import Store
from beatsync.store.statements import MAX_IDS, MAX_ROWS
from beatsync.values import Crontab, TaskSpec
from tests.store.storing import LATER, NO_CHANGES, NOW, create, delete, plan, queries, record, update

ROWS = 4 * MAX_ROWS
pytestmark = pytest.mark.lab


def spec(number: int, **fields: object) -> TaskSpec:
    schedule = Crontab(str(number % 60), str(number % 24), "*", "*", "*", "UTC")
    values: dict[str, object] = {"args": f"[{number}]", "description": "x" * 40, **fields}
    return TaskSpec(name=f"task {number}", task="shop.tasks.bill", schedule=schedule, **values)  # type: ignore[arg-type]


def count(store: Store, *changes: Change, records: bool = True) -> int:
    entries = [record(c.target, c.row_id) for c in changes if c.target is not None] if records else []
    with queries(store) as log, store.locked("shop", 0, "tests"):
        store.apply(plan(*changes, records=entries), store.observe("shop"), NO_CHANGES, LATER)
    return len(log)


def test_a_first_sync_an_update_of_all_and_a_removal_take_few_statements(store: Store) -> None:
    chunks = ROWS // MAX_ROWS
    created = count(store, *(create(spec(number)) for number in range(ROWS)))
    rows = store.observe("shop").rows
    assert len(rows) == ROWS
    assert rows["task 17"].spec == spec(17)
    assert created <= 2 * chunks + 44, "100,000 rows in at most 84, of which 40 carry the rows"

    updated = count(store, *(update(row, spec(number, queue="q")) for number, row in _numbered(rows)))
    assert updated <= 3 * chunks + 44
    after = store.observe("shop").rows
    assert all(row.spec.queue == "q" for row in after.values())
    assert after["task 17"].date_changed == LATER != NOW

    deleted = count(store, *map(delete, after.values()), records=False)
    assert deleted <= 3 * (ROWS // MAX_IDS) + 44
    seen = store.observe("shop")
    assert (seen.rows, seen.inventory, len(seen.tombstones)) == ({}, {}, ROWS)


def _numbered(rows: Mapping[str, Row]) -> list[tuple[int, Row]]:
    return [(int(name.removeprefix("task ")), row) for name, row in rows.items()]


def test_rows_of_many_megabytes_go_in_smaller_parameters(store: Store) -> None:
    large = [spec(number, description="é" * 700_000) for number in range(9)]
    count(store, *map(create, large))
    rows = store.observe("shop").rows
    assert [rows[each.name].spec for each in large] == large
