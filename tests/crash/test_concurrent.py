"""Two processes sync a source while an admin edits its rows: nothing is lost, duplicated or stuck."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.db import OperationalError
from django_celery_beat.models import PeriodicTask

from beatsync.models import InventoryEntry
from beatsync.plan.request import PlanOptions
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend


def revision(folder: Path, names: range, queue: str) -> Path:
    folder.mkdir()
    entries = {f"task-{number}": {"task": "t", "interval": "1h", "queue": queue} for number in names}
    (folder / "all.yaml").write_text(json.dumps({"schedules": entries}), encoding="utf-8")
    return folder


def edit_in_admin(alias: str, randomness: random.Random) -> None:
    """Save a whole row as the admin does, including signals and the notice to beat.

    The row is in both revisions: Django's `save()` of a row that was deleted meanwhile would create it again as an unowned
    row, which BeatSync must not delete.
    """
    try:
        row = PeriodicTask.objects.using(alias).get(name=f"task-{randomness.randrange(20, 40)}")
        row.queue = "admin"
        row.save(using=alias)
    except (PeriodicTask.DoesNotExist, OperationalError):
        # The row does not exist yet, or a deadlock chose this save as its victim: a user would save again.
        return


@pytest.mark.parametrize("seconds", [5, pytest.param(60, marks=pytest.mark.slow)])
@pytest.mark.timeout(240)
def test_two_syncs_and_an_admin(seconds: int, backend: Backend, store: Store, tmp_path: Path) -> None:
    first = revision(tmp_path / "a", range(40), "a")
    second = revision(tmp_path / "b", range(20, 60), "b")
    script = [sys.executable, str(Path(__file__).with_name("sync_again.py")), backend.url]
    root = Path(__file__).parent.parent.parent
    syncers = [
        subprocess.Popen(
            [*script, *map(str, folders)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(root)},
        )
        for folders in ((first, second), (second, first))
    ]
    randomness = random.Random(1)
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            edit_in_admin(backend.alias, randomness)
        counts = [json.loads(syncer.communicate(timeout=90)[0]) for syncer in syncers]
    finally:
        for syncer in syncers:
            syncer.kill()
            syncer.wait()
    assert [syncer.returncode for syncer in syncers] == [0, 0]
    assert all(count["applied"] >= 2 for count in counts), counts

    options = SyncOptions(plan=PlanOptions(max_deletes="100%"))
    assert sync(first, store, options).outcome in {Outcome.APPLIED, Outcome.UNCHANGED}
    assert sync(first, store, options).outcome is Outcome.UNCHANGED
    names = sorted(PeriodicTask.objects.using(backend.alias).values_list("name", "queue"))
    assert names == sorted((f"task-{number}", "a") for number in range(40))
    owned = InventoryEntry.objects.using(backend.alias).values_list("name", "row_id")
    assert sorted(owned) == sorted(PeriodicTask.objects.using(backend.alias).values_list("name", "id"))
