"""Django's signals for the rows of a sync, on each database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connections
from django.db.models.signals import post_delete, post_save
from django.test import override_settings
from django_celery_beat.models import PeriodicTask

from beatsync.dynamic import schedules
from beatsync.reconcile import Outcome, SyncOptions, sync
from beatsync.store import Store
from tests.conftest import Backend

Sent = list[tuple[str, str, Any]]


@pytest.fixture
def sent() -> Iterator[Sent]:
    signals: Sent = []

    def saved(instance: PeriodicTask, created: bool, using: str, **_: Any) -> None:
        assert not connections[using].in_atomic_block
        signals.append(("created" if created else "updated", instance.name, instance.queue))

    def deleted(instance: PeriodicTask, **_: Any) -> None:
        signals.append(("deleted", instance.name, None))
        raise RuntimeError("a receiver that fails")

    post_save.connect(saved, sender=PeriodicTask)
    post_delete.connect(deleted, sender=PeriodicTask)
    yield signals
    post_save.disconnect(saved, sender=PeriodicTask)
    post_delete.disconnect(deleted, sender=PeriodicTask)


@pytest.mark.parametrize("is_on", [True, False])
def test_signals_are_sent_after_the_commit_if_the_project_wants_them(
    backend: Backend, tmp_path: Path, sent: Sent, is_on: bool
) -> None:
    def synced(*schedules: str) -> Outcome:
        text = "schedules:\n" + "".join(f"  {schedule}\n" for schedule in schedules)
        (tmp_path / "a.yaml").write_text(text if schedules else "schedules: {}\n", encoding="utf-8")
        return sync(tmp_path, Store(backend.alias), SyncOptions()).outcome

    with override_settings(BEATSYNC={"SIGNALS": is_on}):
        keep = "b: {task: t, interval: 5m}"
        assert synced("a: {task: t, interval: 5m}", keep) is Outcome.APPLIED
        assert synced("a: {task: t, interval: 5m, queue: slow}", keep) is Outcome.APPLIED
        assert synced(keep) is Outcome.APPLIED
        assert synced(keep) is Outcome.UNCHANGED
    expected = [("created", "a", None), ("created", "b", None), ("updated", "a", "slow"), ("deleted", "a", None)]
    assert sent == (expected if is_on else [])


@pytest.mark.parametrize("declare", ["files", "application"])
def test_an_error_after_the_commit_is_logged_and_is_no_error_of_the_write(
    backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, declare: str
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("lost on the way")

    monkeypatch.setattr("beatsync.store.signals._send", fail)
    monkeypatch.setattr("beatsync.sets._after_commit", lambda *_, **__: fail())
    with override_settings(BEATSYNC={"SIGNALS": True}):
        if declare == "files":
            (tmp_path / "a.yaml").write_text("schedules:\n  a: {task: t, interval: 5m}\n", encoding="utf-8")
            assert sync(tmp_path, Store(backend.alias), SyncOptions()).outcome is Outcome.APPLIED
        else:
            schedules("reports", using=backend.alias).put("a", task="t", interval="5m")
    assert PeriodicTask.objects.using(backend.alias).filter(name="a").exists()
    assert "lost on the way" in caplog.text
