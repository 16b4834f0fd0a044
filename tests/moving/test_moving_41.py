"""A project with 41 schedules of every origin moves into files by the documented commands only, and out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from beatsync.report.groups import MAX_NAMES
from tests.cli.commanding import clean_environment
from tests.moving.bazaar import UNWRITTEN, Bazaar, Guide, changed, write_files


@pytest.fixture
def bazaar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bazaar:
    clean_environment(monkeypatch)
    project = Bazaar(tmp_path / "bazaar", f"sqlite:///{tmp_path / 'db.sqlite3'}")
    project.build()
    return project


def move_in(bazaar: Bazaar) -> None:
    """Follow docs/moving-in.md up to the first plan that has nothing to do."""
    guide = Guide("Settings and code", bazaar)
    exported = write_files(bazaar, guide)
    assert {name for name in UNWRITTEN if f"{name!r} is left out" in exported.err} == UNWRITTEN
    blocked = guide("plan", code=4).out
    assert blocked.count("[beat-schedule]") == MAX_NAMES
    assert blocked.endswith("\nBlocked: 38 to adopt, 0 unchanged.\n")
    bazaar.remove_schedules_from_code()
    assert adoptions(bazaar("plan", "--adopt", "--format", "json").matching("plan")) == 38
    assert guide("plan").out.endswith("\n38 to adopt, 0 unchanged.\n")
    guide("sync")
    assert guide("plan").out == "Nothing to do: 38 unchanged.\n"
    guide.end()


def adoptions(plan: dict[str, list[dict[str, object]]]) -> int:
    """Return how many rows a plan adopts. Raises AssertionError if it would change a value."""
    assert {change["action"] for change in plan["changes"]} == {"adopt"}
    assert not [field for change in plan["changes"] for field in change["fields"]]  # type: ignore[attr-defined]
    return len(plan["changes"])


def test_it_moves_in_and_out_and_every_column_is_equal_to_the_start(bazaar: Bazaar) -> None:
    start = bazaar.rows()
    assert len(start["PeriodicTask"]) == 41
    move_in(bazaar)
    assert changed(start, bazaar.rows()) == []

    leave = Guide("The way back", bazaar)
    back, released = leave("export", code=2), leave("release")
    assert released.out.endswith("\n38 released\n")
    assert changed(start, bazaar.rows()) == []

    # The way back to the settings. Beat, when it starts, spells some values in its own way, and means the same.
    refused = {line.split("'")[1] for line in back.err.splitlines() if "is not written" in line}
    assert refused == {"Tokyo report", "migration.bill-utc"}
    bazaar.append_settings(f"\n{back.out}\nCELERY_BEAT_SCHEDULE = beat_schedule\n")
    bazaar.run("start_beat.py")
    assert adoptions(bazaar("plan", "--adopt", "--format", "json").json) == 38
    columns = {difference.partition(" of ")[0] for difference in changed(start, bazaar.rows())}
    written = {"crontab_id", "interval_id", "kwargs", "date_changed"}
    assert {column for column in columns if column.startswith("PeriodicTask.")} == {
        f"PeriodicTask.{column}" for column in written
    }
