"""`H` in a crontab: which numbers it may give, that they stay, and that they spread."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beatsync.specfile import cronfield, crontab
from beatsync.specfile.spread import resolve, uses_hash

NAMES = [f"tenant-{number}" for number in range(2000)]


def numbers(field: str, text: str, name: str) -> frozenset[int]:
    return cronfield.members(field, resolve({field: text}, name)[field])


@pytest.mark.parametrize(
    ("field", "text", "low", "high"),
    [
        ("minute", "H", 0, 59),
        ("hour", "H", 0, 23),
        ("day_of_month", "H", 1, 28),
        ("month_of_year", "H", 1, 12),
        ("day_of_week", "H", 0, 6),
        ("hour", "H(1-4)", 1, 4),
        ("day_of_month", "H(29-31)", 29, 31),
    ],
)
def test_a_number_is_chosen_from_the_whole_range_and_both_its_ends(field: str, text: str, low: int, high: int) -> None:
    chosen = Counter(number for name in NAMES for number in numbers(field, text, name))
    assert sorted(chosen) == list(range(low, high + 1))
    assert max(chosen.values()) < 3 * len(NAMES) / (high - low + 1), "one number is chosen too often"


def test_a_step_has_an_offset_below_it() -> None:
    every_15 = {numbers("minute", "H/15", name) for name in NAMES}
    assert every_15 == {frozenset(range(offset, 60, 15)) for offset in range(15)}
    within = {numbers("minute", "H(0-29)/10", name) for name in NAMES}
    assert within == {frozenset(range(offset, 30, 10)) for offset in range(10)}
    days = {numbers("day_of_month", "H/14", name) for name in NAMES}
    assert days == {frozenset({day, day + 14}) for day in range(1, 15)}


def test_a_range_may_wrap_around_and_name_days() -> None:
    assert {each for name in NAMES for each in numbers("hour", "H(22-2)", name)} == {22, 23, 0, 1, 2}
    assert {each for name in NAMES for each in numbers("day_of_week", "H(fri-mon)", name)} == {5, 6, 0, 1}


def test_the_numbers_of_a_name_never_change() -> None:
    # Another release must not move the schedules of everybody.
    assert resolve("H H(1-4) H H *", "nightly-invoices") == "39 3 2 6 *"
    assert resolve("H/15 H * * H", "nightly-invoices") == "9,24,39,54 10 * * 3"


def test_fields_of_one_schedule_are_independent() -> None:
    pairs = Counter(resolve("H H * * *", name) for name in NAMES)
    assert len(pairs) > 900
    assert max(pairs.values()) < 12


FIELD = st.sampled_from(list(cronfield.FIELDS))
SIZES = {name: field.size for name, field in cronfield.FIELDS.items()} | {"day_of_month": 28}


@given(FIELD, st.data(), st.text(min_size=1, max_size=20))
def test_every_valid_hash_is_a_valid_crontab(field: str, data: st.DataObject, name: str) -> None:
    low, size = cronfield.FIELDS[field].low, SIZES[field]
    start = data.draw(st.integers(low, low + size - 1))
    end = data.draw(st.integers(start, low + size - 1))
    text = data.draw(st.sampled_from(["H", f"H({start}-{end})"]))
    within = size if text == "H" else end - start + 1
    step = data.draw(st.none() | st.integers(1, within))
    hashed = numbers(field, text if step is None else f"{text}/{step}", name)
    first, last = (low, low + size - 1) if text == "H" else (start, end)
    assert first <= min(hashed) <= max(hashed) <= last
    expected = 1 if step is None else {within // step, -(-within // step)}
    assert len(hashed) == expected if step is None else len(hashed) in expected  # type: ignore[operator]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("H * * * *", True),
        ("* H(1-4) * * *", True),
        ({"minute": "H/5"}, True),
        ("0 0 * MARCH thu", False),
        ({"minute": 5, "hour": ["H"]}, False),
        ("@hourly", False),
    ],
)
def test_a_hash_is_recognised(value: Any, expected: bool) -> None:
    assert uses_hash(value) is expected
    if not expected:
        assert resolve(value, "one") == value


def test_names_of_months_and_days_are_not_hashes() -> None:
    assert crontab.from_expression(resolve("0 0 * March THU", "one"), "UTC").month_of_year == "3"
