"""Saved plans: `plan --out FILE` writes one, and `sync --plan FILE` applies exactly that one."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass, replace
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
_DIGEST_KEY = '\n  "digest": "'
"""Only a key of the outermost object follows a line break and two spaces, and the digest is the last."""
_FLAGS = ("adopt", "allow_empty", "catch_up", "accept_origin", "max_deletes")


def can_be_saved(plan: Plan) -> bool:
    """Return whether the plan can be applied after a review: every guard that blocks it is one that a review passes."""
    return {blocked.code for blocked in plan.blocked} <= _APPROVABLE


@dataclass(frozen=True, slots=True)
class SavedPlan:
    """What the file of a saved plan contains, apart from what is only read by people."""

    path: Path
    options: CliOptions
    checksum: str
    digest: str
    content: bytes
    """The unkeyed digest of everything before the digest in the file."""

    def check_unedited(self, key: str) -> None:
        """Raise click.ClickException if the file was edited; `key` is the database's."""
        if not hmac.compare_digest(self.digest, _digest(key, self.content)):
            raise click.ClickException(
                f"{self.path} was edited after it was saved, or saved for another database;"
                " make a new plan with `beatsync plan --out FILE` and review it"
            )


def _digest(key: str, content: bytes) -> str:
    return hmac.new(key.encode(), b"saved plan" + content, "sha256").hexdigest()


def write(path: Path, plan: Plan, options: SyncOptions) -> None:
    """Save a plan with the flags that it was made with; secrets are masked. Raises click.ClickException."""
    flags = {
        **{name: getattr(options.plan, name) for name in _FLAGS},
        "on_invalid": "isolate" if options.plan.isolate else "refuse",
        "timezone": plan.timezone,
    }
    try:
        with path.open("w", encoding="utf-8") as file:
            content = hashlib.sha256()
            for lines in plan_lines(plan, applied=False, options=flags, digest=""):
                before, _, after = f"{lines}\n".partition(_DIGEST_KEY)
                content.update(before.encode())
                file.write(f"{before}{_DIGEST_KEY}{_digest(plan.key, content.digest())}{after}" if after else before)
    except OSError as error:
        raise click.ClickException(f"{path} cannot be written: {error.strerror}") from None


def read(path: Path, options: CliOptions) -> SavedPlan:
    """Return a saved plan, with its options and those of `options` that it does not determine.

    Raises click.UsageError if `options` contradict the plan, and click.ClickException if the file is not a saved plan.
    """
    data = _read_data(path)
    document = _parse(path, data)
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
    content = hashlib.sha256(data.rpartition(_DIGEST_KEY.encode())[0]).digest()
    return SavedPlan(path, replace(options, **saved), document["checksum"], document["digest"], content)


def _read_data(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise click.ClickException(f"{path} cannot be read: {error.strerror}") from None


def _parse(path: Path, data: bytes) -> dict[str, Any]:
    try:
        document: Any = json.loads(data, object_hook=_drop_change)
    except (ValueError, RecursionError):
        raise click.ClickException(f"{path} is not a saved plan: it is not JSON") from None
    if (
        not isinstance(document, dict)
        or document.get("format_version") != FORMAT_VERSION
        or not {"options", "digest"} <= document.keys()
    ):
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
    """Drop the changes while parsing: a plan may have very many, and the digest and the checksum cover them."""
    return None if "action" in value else value
