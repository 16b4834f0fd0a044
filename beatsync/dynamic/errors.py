"""Problems and refusals → what an application catches: Django's ValidationError, and two exceptions of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError

from beatsync.dynamic.declare import field_of
from beatsync.plan.model import Blocked
from beatsync.sets import Refused
from beatsync.specfile.problems import Problem
from beatsync.specfile.shapes import mask_text

_CONFLICTS = frozenset(
    {
        "conflict",
        "owned-elsewhere",
        "beat-schedule",
        "name-collision",
        "duplicate-rows",
        "inventory-damaged",
        "file-source",
    }
)
_FIELDS = {"clocked-past": "clocked", "expires-past": "expires", "crontab-celery": "crontab"}
"""The arguments that an error of a plan is about. The other errors are about the row, not about the input."""
_HINTS = {
    "json-type": "pass a value of a type that JSON has, such as str(value), float(value) or list(value)",
    "json-key": "pass keys of the type str",
}
"""The fix of an argument in Python where that of a file is another."""
_ADOPT = "adopt=True takes ownership of it; otherwise choose another name"


class ChangeRefused(Exception):  # noqa: N818  it names the condition
    """A set was not changed: `blocked` says why, and nothing was written."""

    def __init__(self, blocked: Iterable[Blocked]) -> None:
        self.blocked = tuple(blocked)
        super().__init__("; ".join(mask_text(_text(reason.message, _hint(reason))) for reason in self.blocked))


class OwnershipConflict(ChangeRefused):
    """A name belongs to another source, to beat's own configuration, or to a row that no source owns."""


def validation_error(problems: Iterable[tuple[str, Problem]]) -> ValidationError:
    """Return the error that lists every problem by its argument; each comes with a prefix of the argument's name."""
    fields: dict[str, list[ValidationError]] = {}
    for prefix, problem in problems:
        error = ValidationError(
            mask_text(_text(problem.message, _HINTS.get(problem.code, problem.hint))), code=problem.code
        )
        fields.setdefault(f"{prefix}{field_of(problem) or NON_FIELD_ERRORS}", []).append(error)
    return ValidationError(fields)


def renamed(error: ValidationError, names: Mapping[str, str]) -> ValidationError:
    """Return an error with other names of arguments."""
    return ValidationError({names.get(field, field): errors for field, errors in error.error_dict.items()})


def refusal_error(refusal: Refused) -> ValidationError | ChangeRefused:
    """Return the error of a change that was refused: of its input, of ownership, or of another kind."""
    if refusal.blocked:
        is_conflict = any(reason.code in _CONFLICTS for reason in refusal.blocked)
        return (OwnershipConflict if is_conflict else ChangeRefused)(refusal.blocked)
    fields: dict[str, list[ValidationError]] = {}
    for diagnostic in refusal.diagnostics:
        if (field := _FIELDS.get(diagnostic.code)) is not None:
            error = ValidationError(_text(mask_text(diagnostic.message), diagnostic.hint), code=diagnostic.code)
            fields.setdefault(field, []).append(error)
    if fields:
        return ValidationError(fields)
    return ChangeRefused(Blocked(each.code, each.message, hint=each.hint) for each in refusal.diagnostics)


def _hint(reason: Blocked) -> str | None:
    return _ADOPT if reason.hint and reason.hint.startswith("--adopt") else reason.hint


def _text(message: str, hint: str | None) -> str:
    """Return a message with its hint; not with one about flags of the command line."""
    return f"{message}; {hint}" if hint and "--" not in hint else message
