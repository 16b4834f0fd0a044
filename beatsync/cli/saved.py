"""Saved plans: `plan --out FILE` writes one, and `sync --plan FILE` applies exactly that one."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from beatsync.cli.options import CliOptions, validate_delete_limit, validate_zone
from beatsync.plan.jsonform import FORMAT_VERSION, plan_lines
from beatsync.plan.model import Plan

if TYPE_CHECKING:
    from beatsync.reconcile import SyncOptions

_APPROVABLE = {"max-deletes"}
"""Codes of the guards that a reviewed plan passes."""
_FLAGS = ("adopt", "allow_empty", "catch_up", "accept_origin", "max_deletes")


def can_be_saved(plan: Plan) -> bool:
    """Return whether the plan can be applied after a review: every guard that blocks it is one that a review passes."""
    return {blocked.code for blocked in plan.blocked} <= _APPROVABLE


def write(path: Path, plan: Plan, options: SyncOptions) -> None:
    """Save a plan with the flags that it was made with; secrets are masked. Raises click.ClickException."""
    flags = {
        **{name: getattr(options.plan, name) for name in _FLAGS},
        "on_invalid": "isolate" if options.plan.isolate else "refuse",
        "timezone": options.parse.timezone,
    }
    try:
        with path.open("w", encoding="utf-8") as file:
            file.writelines(f"{lines}\n" for lines in plan_lines(plan, applied=False, options=flags))
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path, options: CliOptions) -> tuple[CliOptions, str]:
    """Return the options of a saved plan and its checksum.

    Raises click.UsageError if `options` contradict the plan, and click.ClickException if the file is not a saved plan.
    """
    document = _read_document(path)
    saved: dict[str, Any] = {
        **{name: document["options"][name] or None for name in (*_FLAGS, "on_invalid", "timezone")},
        "source": document["source"],
        "environment": document["environment"],
    }
    for name, value in saved.items():
        if (getattr(options, name) or None) not in {None, value}:
            flag = "--env" if name == "environment" else "--" + name.replace("_", "-")
            used = f"with {flag} {value}" if value else f"without {flag}"
            raise click.UsageError(f"the plan in {path} was made {used}; omit the flag or make a new plan")
    return replace(options, **saved), document["checksum"]


def _read_document(path: Path) -> dict[str, Any]:
    try:
        document: Any = json.loads(path.read_bytes(), object_hook=_drop_change)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise click.ClickException(f"{path} is not a saved plan: it is not JSON") from None
    if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION or "options" not in document:
        raise click.ClickException(
            f"{path} is not a saved plan of this release; make one with `beatsync plan --out FILE`"
        )
    if isinstance(document.get("changes"), list):
        document["changes"] = []
    problem = _problem(document)
    if problem is not None:
        raise click.ClickException(f"{path} is not a saved plan: {problem}")
    return document


def _problem(document: dict[str, Any]) -> str | None:
    """Return why a document is not a saved plan; None if it is one."""
    from jsonschema import Draft202012Validator

    from beatsync.published import read_schema

    violation = next(Draft202012Validator(read_schema("plan")).iter_errors(document), None)
    if violation is not None:
        return f"{violation.json_path}: {violation.message}"
    try:
        validate_zone(document["options"]["timezone"])
        if document["options"]["max_deletes"] is not None:
            validate_delete_limit(document["options"]["max_deletes"])
    except click.BadParameter as error:
        return error.message
    return None


def _drop_change(value: dict[str, Any]) -> dict[str, Any] | None:
    """Drop the changes while parsing: a plan may have very many, and the checksum covers them."""
    return None if "action" in value else value
