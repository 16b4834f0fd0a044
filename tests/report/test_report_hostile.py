"""No name leaves its place in any output format."""

from __future__ import annotations

from pathlib import Path

import pytest

import beatsync.report
from tests.report.hostile import FORMATS, NAMES, NO_FORMATS


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name)[1:31])
@pytest.mark.parametrize("output_format", FORMATS)
def test_a_hostile_name_stays_in_its_place(output_format: str, name: str) -> None:
    rendered = FORMATS[output_format]
    rendered.check(name, rendered.render(name))


def test_every_format_is_tested_with_33_names() -> None:
    modules = {path.stem for path in Path(beatsync.report.__file__).parent.glob("[!_]*")}
    tested = {rendered.module for rendered in FORMATS.values()} - {"daemon"}
    assert tested | NO_FORMATS == modules, "add a new output format to FORMATS in tests/report/hostile.py"
    assert len(set(NAMES)) >= 33
