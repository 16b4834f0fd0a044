"""The project with 41 schedules moves in while a real beat runs on PostgreSQL: no run is missed and none is doubled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commanding import clean_environment
from tests.conftest import Server
from tests.moving.bazaar import Bazaar, Guide, write_files
from tests.moving.walk import Walk

TICKS = ("settings.tick", "code.tick", "migration.tick", "admin tick")
"""Each runs once a second, and has another origin."""


@pytest.mark.lab
def test_no_run_is_missed_or_doubled_by_the_move(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: Callable[[str], Server],
    record_property: Callable[[str, object], None],
) -> None:
    clean_environment(monkeypatch)
    bazaar = Bazaar(tmp_path / "bazaar", server("postgresql").create())
    bazaar.build()
    start = bazaar.rows()
    guide = Guide("Settings and code", bazaar)
    walk = Walk(bazaar, TICKS)
    with walk.beat():
        write_files(bazaar, guide)
        walk.make_control()
        walk.wait_for_runs(3)
        guide("plan", code=4)
        bazaar.remove_schedules_from_code()
        guide("plan")
        guide("sync")
        assert guide("plan").out == "Nothing to do: 38 unchanged.\n"
        walk.wait_for_runs(3)
    with walk.beat():
        walk.wait_for_runs(5)

    record_property("measured", walk.check_runs())
    walk.check_rows(start)
