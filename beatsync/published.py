"""The published JSON Schemas."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

NAMES = ("beatsync", "plan", "validate", "status", "show", "history", "daemon", "next", "load")
"""The published schemas; the first is that of spec files."""


@cache
def read_schema(name: str) -> dict[str, Any]:
    """Return the published schema with this name, one of `NAMES`."""
    here = Path(__file__).resolve().parent
    # The wheel has the schemas inside the package, a checkout beside it.
    folders = (here / "schemas", here.parent / "schemas")
    file = next(folder / f"{name}.schema.json" for folder in folders if (folder / f"{name}.schema.json").is_file())
    schema: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return schema
