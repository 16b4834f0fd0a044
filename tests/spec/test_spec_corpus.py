from __future__ import annotations

import pytest

from beatsync.report import diagnostics
from beatsync.values import Severity
from tests.spec.corpus import Case, cases, compare

INVALID = cases("invalid")


@pytest.mark.parametrize("case", INVALID, ids=lambda case: case.name)
def test_each_fault_is_reported_as_expected(case: Case) -> None:
    desired = case.desired()
    shown = "".join(f"{diagnostics.text(one)}\n" for one in desired.diagnostics)
    compare(case.path.parent / f"{case.name}.expected", shown)
    errors = [one for one in desired.diagnostics if one.severity is Severity.ERROR]
    assert bool(errors) != case.name.endswith("-warning"), "what only warns is called so"
    assert desired.diagnostics
