from __future__ import annotations

import re
from pathlib import Path

import pytest

from beatsync import specfile
from beatsync.report.text import render_diagnostic
from beatsync.values import Severity
from tests.codes import codes
from tests.golden import compare
from tests.specfile.corpus import SPECS, Case, cases

INVALID = cases("invalid")
BEHIND_THE_SCHEMA = {
    "crontab-type", "interval-period", "interval-type", "json-depth", "json-key", "json-surrogate",
    "json-type", "calendar-ends", "calendar-unavailable", "hash-crontabs", "solar-coordinate", "solar-event", "solar-range", "solar-no-event", "task-unregistered", "clocked-past", "zone-assumed"}  # fmt: skip
"""What the reader or the schema refuses earlier with another message, or what depends on the clock, on installed packages, on an application or on thousands of schedules."""


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_each_fault_is_reported_as_expected(case: Case) -> None:
    desired = case.desired()
    shown = "".join(f"{render_diagnostic(each)}\n" for each in desired.diagnostics)
    compare(case.path.parent / f"{case.name}.expected", shown)
    errors = [each for each in desired.diagnostics if each.severity is Severity.ERROR]
    assert bool(errors) != case.name.endswith("-warning"), "what only warns is called so"
    assert desired.diagnostics


def test_every_code_of_the_spec_room_is_in_the_corpus() -> None:
    shown = "".join(path.read_text(encoding="utf-8") for path in (SPECS / "invalid").glob("*.expected"))
    result = set(re.findall(r"^\S+ (?:error|warning): .* \[([a-z-]+)\]$", shown, re.MULTILINE))
    expected_names = codes(Path(specfile.__file__).parent)
    assert expected_names - result == BEHIND_THE_SCHEMA, "write a file into tests/data/specs/invalid for each new code"
    assert result <= expected_names


def test_each_expected_file_has_a_case() -> None:
    names = {f"{case.name}.expected" for case in INVALID}
    assert {path.name for path in (SPECS / "invalid").glob("*.expected")} == names, "remove what no case needs"
