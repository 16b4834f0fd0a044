"""Where rows change that a plan is not about, it is the plan still."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from beatsync.plan.observed import NameRule, Observed, Row
from beatsync.plan.part import is_beside
from beatsync.values import Desired, Policy
from tests.builders import NOW, declared, desired, observed, owned, row, spec
from tests.plan.test_plan_settled import NAMES, plan_of, worlds

changed_rows = st.builds(
    lambda name, row_id, runs: row(spec(name), row_id, total_run_count=runs),
    st.sampled_from([*NAMES, "z", "theirs", "stranger"]),
    st.integers(1, 12),
    st.integers(0, 1),
)


@given(world=worlds(), some=st.lists(changed_rows, min_size=1, max_size=2), gone=st.sampled_from([*NAMES, "z", None]))
def test_a_plan_of_what_was_there_before_is_that_of_now(
    world: tuple[Desired, Observed], some: list[Row], gone: str | None
) -> None:
    files, before = world
    now = {**{name: one for name, one in before.rows.items() if name != gone}, **{one.name: one for one in some}}
    after = replace(before, rows=now)
    if len({one.row_id for one in now.values()}) == len(now) and is_beside(files, before, after):
        event("beside")
        assert plan_of(files, before) == plan_of(files, after)


STRANGER = row(spec("stranger"), 7)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ({"rows": {"stranger": STRANGER._replace(date_changed=NOW)}}, True),
        ({"rows": {}}, True),
        ({"rows": {"stranger": STRANGER, "another": row(spec("another"), 8)}}, True),
        ({"rows": {"stranger": STRANGER, "nightly": row(spec("nightly"), 8)}}, False),
        ({"rows": {"stranger": STRANGER, "old": row(spec("old"), 8)}}, False),
        ({"rows": {"stranger": STRANGER, "renamed": row(spec("renamed"), 5)}}, False),
        ({"synced_at": NOW + timedelta(days=1)}, False),
    ],
    ids=[
        "saved",
        "deleted",
        "new",
        "of a name that is declared",
        "of an old name",
        "of a row that is owned",
        "another sync",
    ],
)
def test_what_differs_is_beside_where_nobody_speaks_of_it(now: dict[str, object], expected: bool) -> None:
    files = desired(declared("nightly", policy=Policy(renamed_from="old")))
    before = observed(STRANGER, inventory=(owned(declared("gone"), 5),))
    after = replace(before, **now)  # type: ignore[arg-type]
    assert is_beside(files, before, after) is expected


def test_a_new_name_may_be_one_of_ours_where_case_does_not_count() -> None:
    files, before = desired(declared("nightly")), observed(STRANGER, name_rule=NameRule.CASE_INSENSITIVE)
    assert not is_beside(files, before, replace(before, rows={**before.rows, "NIGHTLY": row(spec("NIGHTLY"), 8)}))
    assert is_beside(files, before, replace(before, rows={"stranger": STRANGER._replace(total_run_count=1)}))
