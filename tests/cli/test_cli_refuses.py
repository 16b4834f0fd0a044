"""Invalid files: exit code 3, every problem is reported, and the database is unchanged."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from django.db import connections

from beatsync.cli import main
from beatsync.store.tables import HISTORY, INVENTORY, NOTICE, PERIODIC_TASK, SCHEDULES, SOURCE, TOMBSTONE
from tests.conftest import Backend

INVALID = Path(__file__).parent.parent / "data" / "specs" / "invalid"
TABLES = (HISTORY, TOMBSTONE, INVENTORY, SOURCE, PERIODIC_TASK, *SCHEDULES.values(), NOTICE)


def everything(alias: str) -> list[object]:
    """Return every row of the tables that a sync may write."""
    rows: list[object] = []
    with connections[alias].cursor() as cursor:
        for table in TABLES:
            cursor.execute(f"SELECT * FROM {table.name}")
            rows.append(sorted(map(repr, cursor.fetchall())))
    return rows


def test_no_invalid_file_changes_a_database(
    backend: Backend, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.yaml").write_text("schedules:\n  kept: {task: t, interval: 1h}\n", encoding="utf-8")
    words = ["sync", str(tmp_path), "--database-url", backend.url]
    assert main(words) == 0
    before = everything(backend.alias)
    (tmp_path / "good.yaml").write_text("schedules:\n  new: {task: t, interval: 2h}\n", encoding="utf-8")
    files = [path for path in sorted(INVALID.glob("*.yaml")) if not path.stem.endswith("-warning")]
    assert len(files) >= 40
    # Validity does not depend on the database, so each file is tested alone on SQLite only.
    for batch in [[path] for path in files] if backend.name == "sqlite" else [files]:
        bad = [Path(shutil.copy(path, tmp_path / f"bad-{path.name}")) for path in batch]
        capsys.readouterr()
        assert main(words) == 3, batch
        output = capsys.readouterr().out
        for path in bad:
            assert f"{path.name}:" in output
            path.unlink()
    assert everything(backend.alias) == before
