from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.plan.collation import collation_key, collisions
from beatsync.plan.observed import NameRule

names = st.sets(st.text(st.sampled_from("aAéÉe \n\t"), max_size=3), max_size=5)


@given(names, st.sampled_from(NameRule))
def test_a_name_collides_with_every_other_name_of_the_same_key(names: set[str], rule: NameRule) -> None:
    expected = {
        name: {other for other in names - {name} if collation_key(other, rule) == collation_key(name, rule)}
        for name in names
    }
    assert collisions(names, rule) == {name: others for name, others in expected.items() if others}


@pytest.mark.parametrize(
    ("name", "rule", "key"),
    [
        ("Nightly ", NameRule.EXACT, "Nightly "),
        ("Nightly ", NameRule.CASE_INSENSITIVE, "nightly"),
        ("NÌGHTLY", NameRule.CASE_INSENSITIVE, "nìghtly"),
        ("NÌGHTLY", NameRule.LETTERS, "nightly"),
        ("STRAẞE", NameRule.LETTERS, "strasse"),
        (" a", NameRule.LETTERS, " a"),
        ("a\t ", NameRule.LETTERS, "a\t"),
        ("aX", NameRule.LETTERS, "ax"),
        ("a\U0001f600", NameRule.LETTERS, "a\ufffd"),
        ("a\U0001f600", NameRule.CASE_INSENSITIVE, "a\U0001f600"),
    ],
)
def test_the_key_of_a_name(name: str, rule: NameRule, key: str) -> None:
    assert collation_key(name, rule) == key
