"""What stock beat undoes around a commit (docs/facts.md, 1 and 26) is found by one look, or by the next write, sync or daemon."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django_celery_beat.models import PeriodicTask

from beatsync.models import PendingWrite
from beatsync.reconcile import SyncOptions, sync
from beatsync.store import SetStore, Store
from tests.conftest import Backend
from tests.dynamic.declaring import HOURLY, directory, reports, row, rows

CHANGED: dict[str, Any] = {**HOURLY, "queue": "new"}


def tasks(backend: Backend) -> Any:
    return PeriodicTask.objects.using(backend.alias)


def test_a_save_by_beat_right_after_the_commit_is_repaired_at_once(
    backend: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = reports(backend)
    mine.put_many({"a": HOURLY, "gone": HOURLY})
    settle, copies = SetStore.settle_notices, list(tasks(backend))

    def as_beat_saves(*arguments: Any) -> Any:
        for copy in copies:
            copy.save_base(using=backend.alias)
        copies.clear()
        return settle(*arguments)

    monkeypatch.setattr(SetStore, "settle_notices", as_beat_saves)
    mine.replace({"a": CHANGED})
    assert rows(backend) == ["a"]
    assert row(backend, "a").queue == "new"


@pytest.mark.parametrize("by", ["the next write", "a sync"])
def test_a_later_one_is_repaired_by(
    by: str, backend: Backend, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mine = reports(backend)
    mine.put_many({"a": HOURLY, "gone": HOURLY})
    copies = list(tasks(backend))
    mine.replace({"a": CHANGED})
    for copy in copies:
        copy.save_base(using=backend.alias)
    assert (rows(backend), row(backend, "a").queue) == (["a", "gone"], None)
    monkeypatch.setattr("beatsync.sets._VERIFY_AFTER", timedelta(0))
    if by == "a sync":
        sync(directory(tmp_path / "files", f=HOURLY), store, SyncOptions())
        assert rows(backend) == ["a", "f"]
    else:
        mine.put("b", **HOURLY)
        assert rows(backend) == ["a", "b"]
    assert row(backend, "a").queue == "new"


def test_a_write_is_verified_once(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator changes later is drift: `status` shows it, and nothing of it is reverted by a write of another name."""
    mine = reports(backend)
    mine.put("a", **HOURLY)
    mine.put("a", **CHANGED)
    monkeypatch.setattr("beatsync.sets._VERIFY_AFTER", timedelta(0))
    mine.put("b", **HOURLY)
    assert not PendingWrite.objects.using(backend.alias).exclude(names="[]").exists()
    tasks(backend).filter(name="a").update(queue="operator")
    mine.put("c", **HOURLY)
    assert row(backend, "a").queue == "operator"
