"""The comparison that the walks through the guides rely on finds a run that is missed or doubled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.moving.walk import CONTROL, check_runs

BEFORE = (0.0, 1.0, 2.0, 3.1, 4.1)
AFTER = (6.0, 7.0, 8.0, 9.0)


def log(path: Path, runs: Mapping[str, Sequence[float]]) -> Path:
    """Write what beat logs when it sends the tasks of rows, at these seconds."""
    lines = [(second, name) for name, seconds in runs.items() for second in seconds]
    text = (
        f"[2026-06-01 12:00:{second:06.3f}: INFO/MainProcess] Scheduler: Sending due task {name} (t)"
        for second, name in sorted(lines)
    )
    path.write_text("\n".join(text).replace(".", ","), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("first", "second", "other", "fault"),
    [
        (BEFORE, AFTER, (1.5,), None),
        ((0.0, 1.0, 3.1, 4.1), AFTER, (), "a run of tick is missing"),
        ((0.0, 1.0, 1.3, 2.0, 3.1, 4.1), AFTER, (), "tick ran twice"),
        (BEFORE, (4.3, *AFTER), (), "tick around the restart"),
        (BEFORE, (7.8, 8.8), (), "tick around the restart"),
        (BEFORE, AFTER, (1.5, 3.5), "other ran twice"),
    ],
)
def test_a_missed_or_doubled_run_is_found(
    first: Sequence[float], second: Sequence[float], other: Sequence[float], fault: str | None, tmp_path: Path
) -> None:
    logs = [
        log(tmp_path / "old.log", {CONTROL: BEFORE, "tick": first, "other": other}),
        log(tmp_path / "new.log", {CONTROL: AFTER, "tick": second}),
    ]
    if fault is None:
        assert check_runs(logs, ["tick"]) == "9 runs of 1 schedules through the move, none missed or doubled"
    else:
        with pytest.raises(AssertionError, match=fault):
            check_runs(logs, ["tick"])
