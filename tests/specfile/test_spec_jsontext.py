from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kombu.utils import json as kombu_json

from beatsync.specfile import jsontext
from beatsync.specfile.problems import SpecError

TEXTS = st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXTS
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=4),
    max_leaves=12,
)
KOMBU_JSON: Any = kombu_json
KOMBU = {"__type__": "bytes", "__value__": "x"}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [1, 2.5, None]}, '{"a": [1, 2.5, null], "b": 1}'),
        ({}, "{}"),
        ([], "[]"),
        ((1, 2), "[1, 2]"),
        ("é😀", '"\\u00e9\\ud83d\\ude00"'),
        (True, "true"),
        ({"__type__": "alone"}, '{"__type__": "alone"}'),
        (10**30, "1" + "0" * 30),
        (1.0, "1.0"),
    ],
)
def test_canonical(value: object, text: str) -> None:
    assert jsontext.canonical(value) == text


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (float("nan"), "json-number"),
        ([float("inf")], "json-number"),
        ({"a": {"b": float("-inf")}}, "json-number"),
        pytest.param(10**5000, "json-number", id="5000 digits"),
        ({1: 2}, "json-key"),
        ([{None: 2}], "json-key"),
        ({True: 2}, "json-key"),
        ("\ud800", "json-surrogate"),
        ({"\udfff": 1}, "json-surrogate"),
        (date(2027, 1, 5), "json-type"),
        ([b"x"], "json-type"),
        ({"a": {1, 2}}, "json-type"),
        (Decimal(1), "json-type"),
        (KOMBU, "json-kombu-type"),
        ([{"a": KOMBU}], "json-kombu-type"),
        ({**KOMBU, "more": 1}, "json-kombu-type"),
    ],
)
def test_refusals(value: object, code: str) -> None:
    with pytest.raises(SpecError) as caught:
        jsontext.canonical(value)
    assert caught.value.code == code


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_is_limited_and_a_cycle_ends() -> None:
    assert jsontext.canonical(nested(jsontext.MAX_DEPTH)).startswith("[[[")
    cycle: list[Any] = []
    cycle.append(cycle)
    for value in (nested(jsontext.MAX_DEPTH + 1), nested(100_000), cycle):
        with pytest.raises(SpecError) as caught:
            jsontext.canonical(value)
        assert caught.value.code == "json-depth"


@given(VALUES)
def test_what_is_written_comes_back_from_kombu(value: object) -> None:
    text = jsontext.canonical(value)
    assert text.isascii()
    assert json.dumps(KOMBU_JSON.loads(text), sort_keys=True) == json.dumps(value, sort_keys=True)
    assert KOMBU_JSON.dumps(json.loads(text)) == text


@given(VALUES, st.sampled_from([None, 2]), st.booleans())
def test_a_row_in_any_spelling_is_the_same_text(value: object, indent: int | None, ascii_only: bool) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=ascii_only, separators=(",", ":"))
    assert jsontext.normalise(written, "") == jsontext.canonical(value)
    assert jsontext.normalise(jsontext.canonical(value), "") == jsontext.canonical(value)


@pytest.mark.parametrize(("text", "empty"), [(None, "{}"), ("", "[]"), ("{}", "[]"), ("[]", "{}")])
def test_empty(text: str | None, empty: str) -> None:
    assert jsontext.normalise(text, empty) == (text or empty)


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        " ",
        "{'a': 1}",
        "[1,]",
        "NaN",
        '{"a":Infinity}',
        "[1e999]",
        '"\\ud800"',
        '{"__type__":"bytes","__value__":"x"}',
        '[{"\\u005f_type__":"bytes","__value__":"x"}]',
        pytest.param("[" * 100_000, id="deep"),
        pytest.param("1" * 5000, id="5000 digits"),
    ],
)
def test_the_text_of_a_row_that_no_spec_can_express_is_unchanged(text: str) -> None:
    assert jsontext.normalise(text, "[]") == text


@given(st.text(max_size=20) | st.text('{}[]",:1aN\\ud', max_size=20))
def test_normalising_never_raises_and_is_idempotent(text: str) -> None:
    once = jsontext.normalise(text, "[]")
    assert jsontext.normalise(once, "[]") == once


def test_long_texts_are_normalised_and_not_kept() -> None:
    before = jsontext._normalised_short.cache_info().currsize
    long = json.dumps({"b": "x" * 5000, "a": 1}, separators=(",", ":"))
    assert jsontext.normalise(long, "{}").startswith('{"a": 1, "b": "xxx')
    assert jsontext._normalised_short.cache_info().currsize == before
    jsontext.normalise('{"short":"text seen nowhere else"}', "{}")
    assert jsontext._normalised_short.cache_info().currsize >= before
