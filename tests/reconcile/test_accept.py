"""What an operator changed in a row can be written into its file: the next plan shows nothing, on each database."""

from __future__ import annotations

from pathlib import Path

from django_celery_beat.models import CrontabSchedule, PeriodicTask

from beatsync.reconcile import Outcome, SyncOptions, plan, sync
from beatsync.specfile.accept import accept
from beatsync.store import Store
from beatsync.values import SourceFile

SPEC = """\
defaults: {timezone: UTC}
schedules:
  nightly: # each night
    task: shop.bill
    crontab: {hour: 2, minute: 30} # half past two
    kwargs: {a: 1} # one
    start_time: 2026-01-01 00:00
"""


def test_the_plan_after_accepting_drift_shows_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(SPEC, encoding="utf-8")
    assert sync(tmp_path, store, SyncOptions()).outcome is Outcome.APPLIED
    tokyo = CrontabSchedule.objects.using(store.alias).create(minute="0", hour="5", timezone="Asia/Tokyo")
    PeriodicTask.objects.using(store.alias).update(
        crontab=tokyo, kwargs='{"b": null, "a": 2}', queue="ü", priority=0, expire_seconds=90, description="x\n y\n"
    )
    (change,) = plan(tmp_path, store, SyncOptions()).plan.changes
    fields = [field.field for field in change.field_changes]
    row = store.read_rows(["nightly"])["nightly"].spec
    result = accept(SourceFile("a.yaml", path.read_bytes()), "nightly", row, fields, (SyncOptions().parse, None))
    path.write_bytes(result.data)
    assert plan(tmp_path, store, SyncOptions()).plan.changes == ()
    text = result.data.decode()
    assert (
        '    crontab: "0 5 * * *" # half past two\n    timezone: Asia/Tokyo\n    kwargs: {a: 2, b: null} # one\n'
        in text
    )
