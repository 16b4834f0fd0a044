"""jsonschema's validator of spec files, for tests that compare it with the checks."""

from __future__ import annotations

from functools import cache
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.validators import extend

from beatsync.published import read_schema
from beatsync.specfile.scalars import Ambiguous


def _is_boolean(_: object, value: object) -> bool:
    return isinstance(value, bool) or (isinstance(value, Ambiguous) and value.truth is not None)


@cache
def validator() -> Any:
    """Return the validator; `yes` and `no` are booleans, as to PyYAML."""
    checker = Draft202012Validator.TYPE_CHECKER.redefine("boolean", _is_boolean)
    return extend(Draft202012Validator, type_checker=checker)(read_schema("beatsync"))  # type: ignore[no-untyped-call]
