"""The frozen values that every room speaks in.

This module is the vocabulary and nothing else: it must not know files, YAML, Django, celery or the clock.
Names are django-celery-beat's (https://django-celery-beat.readthedocs.io) and those of DESIGN, section 2.
All times are aware and in UTC; all JSON is canonical text (`beatsync.specfile.jsontext`), so equal means equal.
What there is one of for each schedule is a named tuple: made and compared several times faster than a dataclass.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, NamedTuple, Union

make: Any = tuple.__new__
"""Makes a named tuple of its fields without its own constructor, which is Python's and costs several times as much."""
FieldValue = Union[str, int, bool, None]
"""What one field of a task looks like in a diff: a JSON scalar."""


class Severity(str, Enum):
    """How much a diagnostic weighs: an error makes its file invalid, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Location(NamedTuple):
    """A place in a spec file; `path` is relative to the source's directory, line and column count from 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem, as a value: what, where, which code, and how to mend it."""

    severity: Severity
    code: str
    message: str
    location: Location
    hint: str | None = None
    excerpt: str | None = None
    """The source line, where showing it gives no secret away."""


class Interval(NamedTuple):
    """Every so many periods, in the largest whole period that django-celery-beat knows."""

    every: int
    period: str

    @property
    def kind(self) -> str:
        """Its name among the four."""
        return "interval"


class Crontab(NamedTuple):
    """Five fields in the one spelling of `beatsync.specfile.crontab`, and the zone they are read in."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str

    @property
    def kind(self) -> str:
        """Its name among the four."""
        return "crontab"

    @property
    def expression(self) -> str:
        """The five fields in the order of crontab(5)."""
        return f"{self.minute} {self.hour} {self.day_of_month} {self.month_of_year} {self.day_of_week}"


class Solar(NamedTuple):
    """A solar event seen from a place; both coordinates are quantised to six places."""

    event: str
    latitude: Decimal
    longitude: Decimal

    @property
    def kind(self) -> str:
        """Its name among the four."""
        return "solar"


class Clocked(NamedTuple):
    """One moment, in UTC."""

    clocked_time: datetime

    @property
    def kind(self) -> str:
        """Its name among the four."""
        return "clocked"


Schedule = Union[Interval, Crontab, Solar, Clocked]

_UNITS = {"days": "d", "hours": "h", "minutes": "m", "seconds": "s", "microseconds": "us"}


def schedule_fields(schedule: Schedule | None) -> Iterator[tuple[str, str]]:
    """Yield a schedule as flat `(field, text)` pairs, in the spelling that a spec file would use."""
    if isinstance(schedule, Interval):
        yield "interval", f"{schedule.every}{_UNITS.get(schedule.period, ' ' + schedule.period)}"
    elif isinstance(schedule, Crontab):
        yield "crontab", schedule.expression
        yield "timezone", schedule.timezone
    elif isinstance(schedule, Solar):
        yield "solar", f"{schedule.event} at {schedule.latitude:f}, {schedule.longitude:f}"
    elif isinstance(schedule, Clocked):
        yield "clocked", schedule.clocked_time.isoformat()


SCHEDULE_FIELDS = ("interval", "crontab", "timezone", "solar", "clocked")
PLAIN_FIELDS = (
    "task", "args", "kwargs", "headers", "queue", "exchange", "routing_key", "priority",
    "expires", "expire_seconds", "one_off", "start_time", "enabled", "description",
)  # fmt: skip
FIELDS = ("name", "task", *SCHEDULE_FIELDS, *PLAIN_FIELDS[1:])
"""Every field that a diff can name, in the order in which it shows them."""


class TaskSpec(NamedTuple):
    """What one `PeriodicTask` row says, apart from what only beat writes.

    Desired and observed are both this, normalised the same way. `schedule` is None only for an observed row that names
    no schedule that can be read. `args`, `kwargs` and `headers` are canonical JSON text; an observed text that is not JSON
    stays as it is. Empty `queue`, `exchange` and `routing_key` are None.
    """

    name: str
    task: str
    schedule: Schedule | None
    args: str = "[]"
    kwargs: str = "{}"
    headers: str = "{}"
    queue: str | None = None
    exchange: str | None = None
    routing_key: str | None = None
    priority: int | None = None
    expires: datetime | None = None
    expire_seconds: int | None = None
    one_off: bool = False
    start_time: datetime | None = None
    enabled: bool = True
    description: str = ""

    def fields(self) -> dict[str, FieldValue]:
        """Return the flat map that is compared, shown and remembered: a new dict, keys in the order of `FIELDS`."""
        flat: dict[str, FieldValue] = {"name": self.name, "task": self.task}
        flat.update(schedule_fields(self.schedule))
        flat["args"] = self.args
        flat["kwargs"] = self.kwargs
        flat["headers"] = self.headers
        flat["queue"] = self.queue
        flat["exchange"] = self.exchange
        flat["routing_key"] = self.routing_key
        flat["priority"] = self.priority
        flat["expires"] = self.expires.isoformat() if self.expires else None
        flat["expire_seconds"] = self.expire_seconds
        flat["one_off"] = self.one_off
        flat["start_time"] = self.start_time.isoformat() if self.start_time else None
        flat["enabled"] = self.enabled
        flat["description"] = self.description
        return flat


class OnRemove(str, Enum):
    """What happens to a row whose entry left the files."""

    DELETE = "delete"
    DISABLE = "disable"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Policy:
    """A schedule's `sync:` block: how BeatSync treats the row.

    `ignore` holds names of `FIELDS`; `sensitive` holds dotted paths such as `kwargs.token`. `protect` is None where the file
    does not say it: then what the inventory remembers goes on, so only an explicit `protect: false` takes it away.
    """

    on_remove: OnRemove = OnRemove.DELETE
    ignore: tuple[str, ...] = ()
    protect: bool | None = None
    renamed_from: str | None = None
    sensitive: tuple[str, ...] = ()


DEFAULT_POLICY = Policy()


class Declared(NamedTuple):
    """One schedule as the files declare it."""

    spec: TaskSpec
    location: Location
    policy: Policy = DEFAULT_POLICY
    enabled_declared: bool = False
    """Whether the file says `enabled`; where it does not, `spec.enabled` is True and counts at creation only."""
    said: bytes = b""
    """Digest of the text that says so (`beatsync.specfile.blocks`); empty where it would not be known again by it."""
    applied: str = ""
    """What the inventory shall remember of it (`beatsync.plan.compare`), where it was made already: with the digests."""
    left: bytes = b""
    """Digest of what a sync leaves in the database (`beatsync.plan.digest`); empty where `said` is."""


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a snapshot: its path relative to the source's directory, with `/`, and its bytes."""

    path: str
    data: bytes = field(repr=False)
    sha256: bytes = field(init=False, repr=False, compare=False)
    """Of the data."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.data).digest())


@dataclass(frozen=True, slots=True)
class Revision:
    """What a source's files were at one moment."""

    digest: str
    """Hex SHA-256 over the paths and contents of the files, always there."""
    git: str | None = None
    """The commit, where there is one; with `-dirty` behind it where the checkout differs from it."""
    mount: str | None = None
    """The stamp that kubelet gave a ConfigMap's mount, where the files are one: its directory's name, with the time in it."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A source's files, read as one revision."""

    files: tuple[SourceFile, ...]
    revision: Revision
    origin: str | None = None
    """Where the files come from: git remote and folder, where known."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Files that could not be taken: too large, no plain file, a symlink that leads out."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What all files of one snapshot declare, sorted by name, and what is wrong with them."""

    schedules: tuple[Declared, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    environment: str | None = None
    known: Mapping[bytes, str] = field(default_factory=dict)
    """Names that are declared as well, and were not parsed since the database knows their text, by its digest."""

    @property
    def invalid_paths(self) -> frozenset[str]:
        """The files with at least one error."""
        return frozenset(d.location.path for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def valid(self) -> tuple[Declared, ...]:
        """What the files without one declare."""
        invalid = self.invalid_paths
        if not invalid:
            return self.schedules
        return tuple(declared for declared in self.schedules if declared.location.path not in invalid)
