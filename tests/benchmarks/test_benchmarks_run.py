"""The benchmarks run, and say what is wrong with their arguments. No test checks how fast anything is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import sources
from benchmarks.__main__ import ALL, CHANGED_FILES, main

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.lab
def test_the_quick_form_runs_every_measure_once(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    process = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", str(figures)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    lines = {line["measure"]: line["measurement"] for line in json.loads(figures.read_text(encoding="utf-8"))}
    assert set(lines) == set(ALL)
    assert all(measurement["seconds"] > 0 for measurement in lines.values())
    assert lines["sync-first"]["writes"] > 0
    assert lines["sync-noop"]["writes"] == lines["plan"]["writes"] == 0
    assert "| sync-first | sqlite |" in process.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--databases", "sqlite,oracle"], "unknown name 'oracle'; choose from sqlite, postgres, mariadb"),
        (["--only", "sync"], "unknown name 'sync'; choose from read-hash, "),
        (["--schedules", "0"], "'0' is not a list of positive numbers, such as 1000,10_000"),
        (["--per-file", "many"], "'many' is not a list of positive numbers"),
    ],
)
def test_a_wrong_argument_is_an_error_in_one_line(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_info:
        main(arguments)
    assert exit_info.value.code == 2
    (line,) = (line for line in capsys.readouterr().err.splitlines() if "error:" in line)
    assert message in line


def test_a_changed_source_changes_every_schedule_of_one_file_in_a_hundred(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    sources.write(before, 600, 3)
    sources.write(after, 600, 3, changed_files=CHANGED_FILES)
    texts = [(path.read_text(), (after / path.relative_to(before)).read_text()) for path in before.rglob("*.yaml")]
    changed = [(old, new) for old, new in texts if old != new]
    assert (len(texts), len(changed)) == (200, 2)
    assert all(old.replace("dry_run: false", "dry_run: true") == new for old, new in changed)
    assert all(new.count("dry_run: true") == 3 for _, new in changed)


def test_a_small_changed_source_changes_one_file(tmp_path: Path) -> None:
    sources.write(tmp_path, 6, 3, changed_files=CHANGED_FILES)
    assert [path.name for path in sorted(tmp_path.rglob("*.yaml")) if "dry_run: true" in path.read_text()] == [
        "000000.yaml"
    ]
