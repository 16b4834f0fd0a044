"""Python's garbage collector is kept away from what is made in bulk, and is afterwards as it was before."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from pathlib import Path

import pytest

from beatsync.reconcile import SyncOptions, plan, validate
from beatsync.specfile.parse import ParseOptions
from beatsync.store import Store
from benchmarks import sources


@pytest.fixture
def files(tmp_path: Path) -> Path:
    sources.write(tmp_path, 200, 100)
    return tmp_path


@pytest.fixture
def frozen() -> Iterator[object]:
    probe = ["an object of an application"]
    gc.freeze()
    yield probe
    gc.unfreeze()


def test_what_was_parsed_is_not_young_and_can_still_be_collected(files: Path) -> None:
    _, desired = validate(files, ParseOptions())
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0
    young, old = ({id(one) for generation in which for one in gc.get_objects(generation)} for which in ((0, 1), (2,)))
    specs = {id(one) for one in desired.schedules}
    assert not specs & young
    assert specs <= old


def test_what_a_one_shot_planned_is_not_young(files: Path, store: Store) -> None:
    """Else all of it would be looked at in the very moment in which the collector may work again."""
    made = plan(files, store, SyncOptions()).plan
    assert len(made.changes) == 200
    old = {id(one) for one in gc.get_objects(2)}
    assert all(id(change) in old for change in made.changes)


def test_what_an_application_has_frozen_stays_so(files: Path, frozen: object) -> None:
    assert not any(each is frozen for each in gc.get_objects())
    validate(files, ParseOptions())
    assert not any(each is frozen for each in gc.get_objects())


def test_who_has_switched_it_off_finds_it_off(files: Path) -> None:
    gc.disable()
    try:
        validate(files, ParseOptions())
        assert not gc.isenabled()
    finally:
        gc.enable()
