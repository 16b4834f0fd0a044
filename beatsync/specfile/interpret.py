"""Merged fields of one schedule → `TaskSpec` and `Policy`, and the errors that no structural check can find.

A schedule without an error is one that beat loads and runs as written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from beatsync.specfile import spread, times
from beatsync.specfile.every.definitions import CompiledRow, Definitions, UnusableError
from beatsync.specfile.every.inputs import NO_INPUTS
from beatsync.specfile.fields import BY_NAME, Convert, one_line
from beatsync.specfile.keys import KIND_CONVERSIONS
from beatsync.specfile.layers import INVALID, Layer, Merged, merge
from beatsync.specfile.limits import MAX_ERRORS
from beatsync.specfile.problems import Path, Problem, SpecError, cut
from beatsync.specfile.rules import KINDS
from beatsync.specfile.scalars import Ambiguous
from beatsync.specfile.secrets import is_secret
from beatsync.specfile.templates import is_template, unrendered
from beatsync.specfile.wording import ambiguous
from beatsync.values import DEFAULT_POLICY, Clocked, OnRemove, Policy, TaskSpec, group_row_name

_MAX_NAME = 200
"""Length of the column."""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """What one schedule means in one environment."""

    merged: Merged
    spec: TaskSpec
    """A field with an error has its default, and a schedule with an error is None."""
    policy: Policy
    problems: Sequence[Problem] = field(default=())
    rows: tuple[CompiledRow, ...] | None = ()
    """The rows of a schedule with `every`; empty for any other. None: a window that it uses has an error."""
    assumes_zone: bool = False
    """Whether a value of the schedule depends on a zone, and no layer names one."""

    def warning(self, key: str, code: str, message: str, hint: str | None = None) -> Problem:
        """Return a warning about the value of a key, for a lint."""
        return Problem(self.merged.path(key), code, message, hint, warning=True)


def interpret(
    name: str, layers: Sequence[Layer], timezone: str, definitions: Definitions | None = None
) -> Interpretation:
    """Return what the layers of a schedule mean; `timezone` applies if no layer names one.

    `definitions` are the windows that its `every` can use; without them it can use none.
    """
    merged = merge(layers)
    interpreter = _Interpreter(name, merged, definitions or Definitions(NO_INPUTS.year))
    policy = interpreter.policy()
    spec = interpreter.spec(policy, timezone)
    return Interpretation(merged, spec, policy, interpreter.problems, interpreter.rows, _assumes_zone(merged.fields))


def _assumes_zone(fields: Mapping[str, Any]) -> bool:
    """Return whether a field is local time, and no field names its zone."""
    if "timezone" in fields:
        return False
    if "every" in fields:
        return True
    crontab = fields.get("crontab")
    if crontab is not None and not (isinstance(crontab, Mapping) and "timezone" in crontab):
        return True
    return any(times.is_local(fields[key]) for key in _TIME_KEYS if key in fields)


def _truth(value: bool | Ambiguous | None) -> bool | None:
    return value.truth if isinstance(value, Ambiguous) else value


class _Interpreter:
    """Converts the fields of one schedule and collects its problems."""

    def __init__(self, name: str, merged: Merged, definitions: Definitions) -> None:
        self.problems: list[Problem] = []
        self.rows: tuple[CompiledRow, ...] | None = ()
        self._definitions = definitions
        self._name = name
        self._merged = merged
        self._fields = merged.fields

    def policy(self) -> Policy:
        sync = self._merged.sync
        if not sync:
            return DEFAULT_POLICY
        valid = {key: value for key, value in sync.items() if value is not INVALID}
        if valid.get("renamed_from") == self._name:
            error = SpecError("renamed-from-itself", "renamed_from names the schedule itself", "write its old name")
            self._report("sync.renamed_from", error)
        return Policy(
            on_remove=OnRemove(valid.get("on_remove", "delete")),
            ignore=tuple(sorted(valid.get("ignore", ()))),
            protect=_truth(valid.get("protect")),
            renamed_from=valid.get("renamed_from"),
            sensitive=tuple(sorted(valid.get("sensitive", ()))),
            adopt=bool(_truth(valid.get("adopt"))),
        )

    def spec(self, policy: Policy, default_timezone: str) -> TaskSpec:
        self._check_name()
        zone = self._zone(default_timezone)
        values: dict[str, Any] = {"task": ""}
        for key, value in self._fields.items():
            conversion = _CONVERSIONS.get(key)
            if conversion is not None and value is not INVALID:
                target, convert = conversion
                try:
                    resolved = spread.resolve(value, self._hash_seed()) if key == "crontab" else value
                    values[target] = convert(resolved, zone or "UTC")
                except SpecError as error:
                    self._report_value(key, value, error, policy.sensitive)
        schedule = values.setdefault("schedule", None)
        if isinstance(schedule, Clocked):
            values.setdefault("one_off", True)
        if "every" in self._fields and self._fields["every"] is not INVALID:
            self._compile(zone or "UTC")
        spec = TaskSpec(self._name, **values)
        self._check_required()
        # If the zone is invalid, local times are known only roughly.
        if zone is not None:
            self._check_order(spec)
        return spec

    def _compile(self, zone: str) -> None:
        """Compile `every`, and check the names of its rows."""
        try:
            self.rows = self._definitions.compile(self._fields["every"], zone)
        except SpecError as error:
            for each in (error, *error.others):
                self._report("every", each)
            return
        except UnusableError:
            self.rows = None
            return
        longest = group_row_name(self._name, len(self.rows))
        if len(longest) > _MAX_NAME:
            message = (
                f"the row {cut(longest)} has a name of {len(longest)} characters, and the column holds {_MAX_NAME}"
            )
            self._report("every", SpecError("every-name", message, "give the schedule a shorter name"))

    def _hash_seed(self) -> str:
        seed = self._merged.sync.get("hash")
        return seed if isinstance(seed, str) else self._name

    def _zone(self, default: str) -> str | None:
        """Return the zone of crontab and local times; None if it is invalid."""
        name = self._fields.get("timezone", default)
        if name is INVALID:
            return None
        try:
            return times.zone(name).key
        except SpecError as error:
            self._report("timezone", error)
            return None

    def _check_name(self) -> None:
        try:
            # White space at its ends and a second line are structural problems.
            one_line(self._name.replace("\n", "").strip())
        except SpecError as error:
            path = self._merged.own_path
            self.problems.append(Problem(path, error.code, error.message, error.hint, on_key=True))

    def _check_required(self) -> None:
        if "task" not in self._fields:
            self._report("task", SpecError("missing-key", "`task` is missing", "name the celery task"))
        if self._fields.keys().isdisjoint(KINDS):
            message = "there is neither an interval nor a crontab, solar, clocked or every"
            self._report("interval", SpecError("missing-kind", message, 'for example crontab: "0 2 * * *"'))

    def _check_order(self, spec: TaskSpec) -> None:
        """Check the fields that are valid alone and invalid together."""
        clocked = spec.schedule.clocked_time if isinstance(spec.schedule, Clocked) else None
        if clocked and not spec.one_off:
            message = "a clocked schedule runs once: it cannot have one_off: false"
            error = SpecError("clocked-one-off", message, "leave one_off out, or write one_off: true")
            self._report(self._own("one_off", "clocked"), error)
        if spec.one_off and "every" in self._fields:
            message = "a schedule with `every` has no single run, so it cannot have one_off: true"
            self._report(self._own("one_off", "every"), SpecError("every-one-off", message, "leave one_off out"))
        for key, start, what in (
            ("start_time", spec.start_time, "it starts"),
            ("clocked", clocked, "its clocked time"),
        ):
            if spec.expires and start and spec.expires <= start:
                message = f"it expires before {what}, and so would never run"
                self._report(self._own("expires", key), SpecError("expires-before-start", message))

    def _own(self, *keys: str) -> str:
        """Return the first key that is not from `defaults`, else the first key."""
        return next((key for key in keys if self._merged.path(key)[1] != "defaults"), keys[0])

    def _report_value(self, key: str, value: Any, error: SpecError, sensitive: Collection[str]) -> None:
        """Report a value that cannot be converted; in JSON, each scalar that YAML may have changed."""
        if key in BY_NAME and BY_NAME[key].is_json:
            problems = list(islice(_ambiguous_items(value, self._merged.path(key), key, sensitive), MAX_ERRORS))
            if problems:
                self.problems.extend(problems)
                return
        for each in (error, *error.others):
            self._report(key, each)

    def _report(self, key: str, error: SpecError) -> None:
        path = self._merged.path(key)
        value = self._fields.get(key)
        if error.field and isinstance(value, Mapping) and error.field in value:
            path, value = (*path, error.field), value[error.field]
        if isinstance(value, str) and is_template(value) and not is_secret(path):
            error = unrendered(value)
        missing = key if key not in self._fields and not key.startswith("sync.") else None
        on_key = error.on_key or missing is not None
        self.problems.append(Problem(path, error.code, error.message, error.hint, on_key=on_key, related_key=missing))


_TIME_KEYS = ("clocked", "start_time", "expires")
"""The keys whose values are local times of the zone if they have no offset."""
_CONVERSIONS: Mapping[str, tuple[str, Convert]] = {
    **{name: (name, task_field.convert) for name, task_field in BY_NAME.items() if name != "name"},
    **{kind: ("schedule", convert) for kind, convert in KIND_CONVERSIONS.items()},
}
"""For each key, the attribute of `TaskSpec` and the conversion."""


def _ambiguous_items(root: Any, path: Path, key: str, sensitive: Collection[str]) -> Iterator[Problem]:
    stack: list[tuple[Any, Path, str]] = [(root, path, key)]
    while stack:
        value, here, dotted = stack.pop()
        if isinstance(value, Ambiguous):
            hidden = any(f"{dotted}.".startswith(f"{listed}.") for listed in sensitive)
            yield ambiguous(here, value, hidden=hidden)
        elif isinstance(value, dict):
            stack.extend((item, (*here, name), f"{dotted}.{name}") for name, item in value.items())
        elif isinstance(value, list):
            stack.extend((item, (*here, index), f"{dotted}.{index}") for index, item in enumerate(value))
