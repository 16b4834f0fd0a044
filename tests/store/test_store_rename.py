"""`rename-source` and leaving: ownership changes, and rows do not."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.db import connections

from beatsync import reconcile
from beatsync.reconcile import Outcome, SyncOptions, utc_now
from beatsync.store import LockHeld, Store, StoreError
from beatsync.store.tables import BEAT_TABLES, OWN_TABLES
from beatsync.values import Actor
from tests.cli.commanding import tables

SPEC = """
schedules:
  one: {task: t, interval: 1h}
  two: {task: t, crontab: "30 2 * * *", enabled: false}
"""
PAGE = Path(__file__).parent.parent.parent / "docs" / "uninstall.md"


@pytest.fixture
def specs(tmp_path: Path) -> Path:
    (tmp_path / "a.yaml").write_text(SPEC)
    return tmp_path


def beat_rows(store: Store) -> dict[str, object]:
    names = {table.name for table in BEAT_TABLES}
    return {name: rows for name, rows in tables(store.alias).items() if name in names}


def test_a_renamed_source_goes_on_under_its_new_name(store: Store, specs: Path) -> None:
    reconcile.sync(specs, store, SyncOptions("old"))
    store.acquire_lease("old", "pod-1", "token", 30)
    before = beat_rows(store)
    store.rename_source("old", "new", Actor("ann@host"), utc_now())
    assert [state.name for state in store.sources()] == ["new"]
    assert (store.leader("old"), getattr(store.leader("new"), "holder", None)) == (None, "pod-1")
    newest, first = store.history("new", 9)
    assert (newest.message, newest.actor, newest.changes) == ("renamed from old", "ann@host", ())
    assert len(first.changes) == 2
    assert reconcile.sync(specs, store, SyncOptions("new")).outcome is Outcome.UNCHANGED
    assert beat_rows(store) == before
    # What still runs under the old name is blocked: the rows belong to another source.
    refused = reconcile.sync(specs, store, SyncOptions("old"))
    assert {blocked.code for blocked in refused.plan.blocked} == {"owned-elsewhere"}


def test_a_name_that_exists_is_refused_and_so_is_a_source_at_work(
    store: Store, specs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reconcile.sync(specs, store, SyncOptions("old"))
    store.suspend("other", None, Actor("ann"), utc_now())
    with pytest.raises(StoreError, match="there is a source 'other' already"):
        store.rename_source("old", "other", Actor("ann"), utc_now())
    assert [state.name for state in store.sources()] == ["old", "other"]
    assert len(store.history("old", 9)) == 1
    monkeypatch.setattr("beatsync.store.store.SUSPEND_WAIT", 0.0)
    if connections[store.alias].vendor != "sqlite":
        connections[store.alias].ensure_connection()
        other = connections[store.alias].copy()
        with other.cursor() as cursor:
            other.set_autocommit(False)
            cursor.execute("SELECT id FROM beatsync_source WHERE name = 'old' FOR UPDATE")
            with pytest.raises(LockHeld):
                store.rename_source("old", "new", Actor("ann"), utc_now())
        other.close()


def test_the_uninstall_page_drops_every_table_and_leaves_the_rows_of_beat(bare_url: str, specs: Path) -> None:
    from beatsync.store.connect import DatabaseChoice, connect

    store = connect(DatabaseChoice(url=bare_url))
    try:
        store.migrate(with_beat=True)
        reconcile.sync(specs, store, SyncOptions())
        reconcile.release(store, None, SyncOptions())
        before = beat_rows(store)
        (sql,) = re.findall(r"```sql\n(.*?)```", PAGE.read_text(), re.DOTALL)
        with connections[store.alias].cursor() as cursor:
            for statement in filter(str.strip, sql.split(";")):
                cursor.execute(statement)
            names = set(connections[store.alias].introspection.table_names(cursor))
        left = [table.name for table in OWN_TABLES if table.name in names]
        assert left == [], f"add them to docs/uninstall.md: {left} ({urlsplit(bare_url).scheme})"
        assert beat_rows(store) == before
        assert {name for name in names if name.startswith("django_celery_beat")} == {t.name for t in BEAT_TABLES}
        # Installed again, everything is as at first.
        store.migrate(with_beat=False)
        assert reconcile.sync(specs, store, SyncOptions()).outcome is Outcome.BLOCKED
    finally:
        store.close()
