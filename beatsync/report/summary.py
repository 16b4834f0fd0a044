"""The lines that sum up a plan or a validation, and words about numbers and times, shared by several formats. They contain no unescaped text of a file or row."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone

from beatsync.plan.jsonform import summary_json
from beatsync.plan.model import Action, PeakChange, Plan
from beatsync.plan.peak import PEAK_WINDOW
from beatsync.report.changes import ACTION_WORDS
from beatsync.report.escape import one_line
from beatsync.report.paint import Paint, plain
from beatsync.report.values import ValidationResult
from beatsync.values import Revision, Severity

_PAST = {
    Action.CREATE.value: "created",
    Action.UPDATE.value: "updated",
    Action.ADOPT.value: "adopted",
    Action.DISABLE.value: "disabled",
    Action.DELETE.value: "deleted",
    Action.FORGET.value: "released",
}
_FUTURE = {action.value: f"to {ACTION_WORDS[action]}" for action in Action}


def plan_heading(plan: Plan) -> str:
    """Return the source, revision and environment of a plan."""
    environment = f", environment {one_line(plan.environment)}" if plan.environment else ""
    return f"Source {one_line(plan.source)} at {one_line(revision_name(plan.revision))}{environment}"


def revision_name(revision: Revision) -> str:
    """Return the git commit; if missing, the mount's name; if that is missing too, the start of the content digest."""
    return revision.git or revision.mount or f"content {revision.digest[:12]}"


def refusal_text(plan: Plan, *, is_sync: bool) -> str:
    """Return why a plan may not be applied, for `plan_totals`. A sync also reports that nothing was written."""
    reason = "Blocked" if plan.blocked else "Invalid"
    return f"{reason}, and nothing was written" if is_sync else reason


def plan_totals(plan: Plan, *, applied: bool, refusal: str = "") -> str:
    """Return how many changes of each kind there are and how many schedules are unchanged.

    `applied` writes the counts in the past tense; `refusal` comes before them, or they would read as if they could be applied.
    Invalid files give no plan, so the number of their errors replaces the counts.
    """
    if refusal and not plan.blocked:
        errors = sum(each.severity is Severity.ERROR for each in plan.diagnostics)
        return f"{refusal}: {counted(errors, 'error')}."
    counts = summary_json(plan)
    unchanged = f"{counts.pop('unchanged'):,} unchanged."
    changes = action_counts(counts, applied=applied)
    if refusal:
        return f"{refusal}: {', '.join([*changes, unchanged])}"
    return ", ".join([*changes, unchanged]) if changes else f"Nothing to do: {unchanged}"


def peak_text(peak: PeakChange) -> str:
    """Return what a plan does to the peak."""
    return f"Busiest minute of the next {PEAK_WINDOW.days} days: {peak.before:,} → {counted(peak.after, 'run')} of crontabs."


def action_counts(counts: Mapping[str, int], *, applied: bool) -> list[str]:
    """Return `1 created`, or `1 to create` unless `applied`, for each action of a summary whose count is not zero."""
    words = _PAST if applied else _FUTURE
    return [f"{count:,} {words[action]}" for action, count in counts.items() if count and action in words]


def validation_totals(result: ValidationResult, paint: Paint = plain) -> str:
    """Return how many files and schedules were read, and how many errors and warnings there are."""
    errors, warnings = result.count(Severity.ERROR), result.count(Severity.WARNING)
    verdict = [counted(errors, "error") if errors else paint("valid", "good")]
    if warnings:
        verdict.append(counted(warnings, "warning"))
    if result.acknowledged:
        verdict.append(f"{counted(result.acknowledged, 'warning')} acknowledged")
    schedules = counted(result.schedules, "valid schedule" if errors else "schedule")
    return f"{counted(len(result.paths), 'file')}, {schedules}: {', '.join(verdict)}"


def utc_text(time: datetime | None) -> str:
    """Return a time as `2027-01-04 01:30:00 UTC`; `unknown time` for None."""
    return "unknown time" if time is None else f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M:%S} UTC"


def counted(number: int, noun: str) -> str:
    """Return `1 file`, `2 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
