"""The main use: spec files, `beatsync sync`, a real celery beat and a real worker over Redis."""

from __future__ import annotations

import pytest

from tests.e2e.shop import Shop
from tests.processes import wait_until


@pytest.mark.timeout(180)
def test_a_schedule_is_created_edited_and_removed_without_a_restart(shop: Shop) -> None:
    shop.spec('schedules:\n  tick: {task: proj.note, interval: 1s, args: ["first"]}\n')
    assert "1 created" in shop.sync()
    wait_until(lambda: shop.ran("first") >= 2, 10, shop.logs)

    shop.spec('schedules:\n  tick: {task: proj.note, interval: 1s, args: ["second"]}\n')
    assert "1 updated" in shop.sync()
    wait_until(lambda: shop.ran("second") >= 2, 15, shop.logs)
    before = shop.ran("first")

    shop.spec(
        "schedules:\n"
        '  other: {task: proj.note, interval: 1s, args: ["third"]}\n'
        '  unused: {task: proj.note, crontab: "0 0 1 1 *"}\n'
    )
    assert "1 deleted" in shop.sync("--max-deletes", "1")
    wait_until(lambda: shop.ran("third") >= 1, 15, shop.logs)
    # `third` runs, so beat has loaded the new schedules, and `second` must not run any more.
    after = shop.ran("second")
    runs = shop.ran("third")
    wait_until(lambda: shop.ran("third") >= runs + 4, 15, shop.logs)
    assert shop.ran("second") == after
    assert shop.ran("first") == before
