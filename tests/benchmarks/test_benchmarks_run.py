"""That the benchmarks run; how fast anything is, no test says."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.lab
def test_the_quick_form_measures_everything_once(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--schedules", "100", "--json", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    lines = json.loads(figures.read_text())
    from benchmarks.__main__ import ALL

    assert {line["measure"] for line in lines} == set(ALL)
    assert all(line["answer"]["seconds"] > 0 for line in lines)
    first = next(line for line in lines if line["measure"] == "sync-first")
    assert first["answer"]["writes"] > 0
    assert "| sync-first | sqlite |" in done.stdout
