"""Saved plans: what `plan --out` writes and `sync --plan` holds a sync to."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli.options import checked_limit, checked_zone
from beatsync.cli.wiring import Given
from beatsync.plan.jsonform import FORMAT_VERSION, plan_lines
from beatsync.plan.model import Plan

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions

_APPROVABLE = {"max-deletes"}
"""Guards that a review of the plan itself lifts."""
_FLAGS = ("adopt", "allow_empty", "catch_up", "accept_origin")
_TEXTS = ("max_deletes", "on_invalid", "timezone")


def may_be_saved(plan: Plan) -> bool:
    """Whether a reviewed plan could be applied: what blocks it is nothing that a review does not lift."""
    return {blocked.code for blocked in plan.blocked} <= _APPROVABLE


def write(path: Path, plan: Plan, options: SyncOptions) -> None:
    """Save a plan with the flags that it was made under; secrets are masked in it."""
    flags = {
        **{name: getattr(options.plan, name) for name in _FLAGS},
        "max_deletes": options.plan.max_deletes,
        "on_invalid": "isolate" if options.plan.isolate else "refuse",
        "timezone": options.parse.timezone,
    }
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{lines}\n" for lines in plan_lines(plan, applied=False, options=flags))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path, given: Given) -> tuple[Given, str]:
    """Return the flags of a saved plan and its checksum. Raises click.UsageError where `given` says something else."""
    document = _document(path)
    said: dict[str, Any] = {
        **{name: document["options"][name] or None for name in _FLAGS},
        **{name: document["options"][name] for name in _TEXTS},
        "source": document["source"],
        "environment": document["environment"],
    }
    for name, value in said.items():
        flag = getattr(given, name) or None
        if flag not in {None, value}:
            option = "env" if name == "environment" else name.replace("_", "-")
            raise click.UsageError(f"the plan in {path} was made with another --{option} ({value})")
    return replace(given, **said), document["checksum"]


def _document(path: Path) -> dict[str, Any]:
    try:
        document: Any = json.loads(path.read_bytes(), object_hook=_unless_change)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise click.ClickException(f"{path} is not a saved plan: it is not JSON") from None
    from jsonschema import Draft202012Validator

    from beatsync.published import read_schema

    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION or "options" not in document:
        raise click.ClickException(
            f"{path} is not a saved plan of this release; make one with `beatsync plan --out FILE`"
        )
    if isinstance(document.get("changes"), list):
        document["changes"] = []
    wrong = next(Draft202012Validator(read_schema("plan")).iter_errors(document), None)
    if wrong is not None:
        raise click.ClickException(f"{path} is not a saved plan: {wrong.json_path}: {wrong.message}")
    try:
        checked_zone(document["options"]["timezone"])
        if document["options"]["max_deletes"] is not None:
            checked_limit(document["options"]["max_deletes"])
    except click.BadParameter as error:
        raise click.ClickException(f"{path} is not a saved plan: {error.message}") from None
    return document


def _unless_change(found: dict[str, Any]) -> dict[str, Any] | None:
    """Let go of a change: there may be very many, and what they are to be is in the checksum."""
    return None if "action" in found else found
