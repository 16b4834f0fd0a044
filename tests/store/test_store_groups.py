"""The schedule of each row of a group in the inventory, on every database, next to entries of the release before."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from beatsync.plan.diff import make_plan
from beatsync.plan.observed import Observed
from beatsync.plan.release import release_plan
from beatsync.store import Store
from beatsync.values import Declared
from tests.builders import desired, every, request
from tests.store.storing import LATER, SOURCE, apply, run

OFFICE, NIGHT, WEEKEND = "* 8-17 * * 1-5", "*/15 0-7,18-23 * * 1-5", "*/15 * * * 0,6"
THREE = every("refresh", OFFICE, NIGHT, WEEKEND)


def synced(store: Store, *schedules: Declared) -> Observed:
    """Make the rows equal to `schedules`, and return what is observed then."""
    options = replace(request(), source=SOURCE)
    return apply(store, lambda observed: make_plan(desired(*schedules), observed, options), LATER)


def groups(observed: Observed) -> dict[str, str | None]:
    return {name: entry.group for name, entry in sorted(observed.inventory.items())}


def test_each_row_is_recorded_with_its_schedule(store: Store) -> None:
    observed = synced(store, *THREE)
    assert groups(observed) == dict.fromkeys(("refresh", "refresh#2", "refresh#3"), "refresh")
    first = observed.rows["refresh"].row_id
    fewer = synced(store, *every("refresh", "* 9-17 * * 1-5", NIGHT))
    assert groups(fewer) == dict.fromkeys(("refresh", "refresh#2"), "refresh")
    plain = synced(store, every("refresh", OFFICE)[0]._replace(group=None))
    assert (groups(plain), plain.rows["refresh"].row_id, [*plain.rows]) == ({"refresh": None}, first, ["refresh"])


def test_an_entry_without_its_schedule_is_written_again(store: Store) -> None:
    """The release before replaces entries without the column."""
    synced(store, *THREE)
    digests = store.row_fingerprints(SOURCE).digests
    assert run(store, "UPDATE beatsync_inventoryentry SET schedule = NULL WHERE name = 'refresh#2'") == 1
    assert store.row_fingerprints(SOURCE).digests != digests
    healed = synced(store, *THREE)
    assert groups(healed)["refresh#2"] == "refresh"
    assert store.row_fingerprints(SOURCE).digests == digests


def test_a_released_schedule_keeps_its_rows(store: Store) -> None:
    synced(store, *THREE)
    after = apply(store, partial(release_plan, SOURCE, ["refresh"]), LATER)
    assert (after.inventory, len(after.rows)) == ({}, 3)
