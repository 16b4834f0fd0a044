"""The published JSON Schemas, and jsonschema's validator of spec files."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from beatsync.specfile.scalars import Ambiguous

NAMES = ("beatsync", "plan", "validate", "status", "daemon")
"""The schemas that are published; the first is that of spec files."""


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Return the published schema of that name, of `NAMES`."""
    here = Path(__file__).resolve().parent
    # In the wheel the schemas lie inside the package, in a checkout beside it.
    places = (here / "schemas", here.parent / "schemas")
    file = next(place / f"{name}.schema.json" for place in places if (place / f"{name}.schema.json").is_file())
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema


@cache
def validator() -> Any:
    """Return the validator of spec files; `yes` and `no` are booleans to it, as YAML's own reader would have them."""
    from jsonschema import Draft202012Validator
    from jsonschema.validators import extend

    base = Draft202012Validator.TYPE_CHECKER
    checker = base.redefine(
        "boolean",
        lambda _, value: isinstance(value, bool) or (isinstance(value, Ambiguous) and value.truth is not None),
    )
    made = extend(Draft202012Validator, type_checker=checker)  # type: ignore[no-untyped-call]
    return made(read_schema(NAMES[0]))
