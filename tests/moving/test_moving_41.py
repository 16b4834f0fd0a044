"""A project with 41 schedules of every origin moves into files by the documented commands only, and out again."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.commanding import clean_environment
from tests.moving.bazaar import UNWRITTEN, Bazaar, changed


@pytest.fixture
def bazaar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bazaar:
    clean_environment(monkeypatch)
    project = Bazaar(tmp_path / "bazaar", f"sqlite:///{tmp_path / 'db.sqlite3'}")
    project.build()
    return project


def move_in(bazaar: Bazaar) -> None:
    """Follow docs/moving-in.md up to the first plan that has nothing to do."""
    exported = bazaar.export_all()
    assert {name for name in UNWRITTEN if f"{name!r} is left out" in exported.err} == UNWRITTEN
    assert bazaar("validate").out == "1 file, 38 schedules: valid\n"

    blocked = bazaar("plan", "--adopt", "--format", "json")
    assert blocked.code == 4
    assert {reason["code"] for reason in blocked.json["blocked"]} == {"beat-schedule"}
    assert adoptions(blocked.json) == 38
    bazaar.remove_schedules_from_code()
    planned = bazaar("plan", "--adopt", "--format", "json").matching("plan")
    assert (planned["blocked"], adoptions(planned)) == ([], 38)
    assert bazaar("sync", "--adopt").code == 0
    assert bazaar("plan", "--detailed-exitcode").out == "Nothing to do: 38 unchanged.\n"


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

    back = bazaar("export", "--all", "--beat-schedule", "--with-secrets")
    released = bazaar("release", "--all")
    assert released.out.endswith("\n38 released\n")
    assert changed(start, bazaar.rows()) == []

    # The way back to the settings. Beat, when it starts, spells some values in its own way, and means the same.
    refused = {line.split("'")[1] for line in back.err.splitlines() if "is not written" in line}
    assert (back.code, refused) == (2, {"Tokyo report", "migration.bill-utc"})
    bazaar.append_settings(f"\n{back.out}\nCELERY_BEAT_SCHEDULE = beat_schedule\n")
    bazaar.run("start_beat.py")
    assert adoptions(bazaar("plan", "--adopt", "--format", "json").json) == 38
    columns = {difference.partition(" of ")[0] for difference in changed(start, bazaar.rows())}
    written = {"crontab_id", "interval_id", "kwargs", "date_changed"}
    assert {column for column in columns if column.startswith("PeriodicTask.")} == {
        f"PeriodicTask.{column}" for column in written
    }
