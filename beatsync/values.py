"""The frozen values that all packages share: schedules, tasks, files, facts and diagnostics.

This module must not know files, YAML, Django, celery or the clock. Names are django-celery-beat's
(https://django-celery-beat.readthedocs.io). All times are aware and in UTC; all JSON is canonical text
(`beatsync.specfile.jsontext`), so values that compare equal mean the same.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timezone
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import NamedTuple, Union

FieldValue = Union[str, int, bool, None]
"""One field of a task in a diff: a JSON scalar."""


class Severity(str, Enum):
    """An error makes its file invalid; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Location(NamedTuple):
    """A place in a spec file; `path` is relative to the source's directory, line and column start at 1."""

    path: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.path, self.line, self.column) if part is not None)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One problem as a value: its code, message, location, and how to fix it."""

    severity: Severity
    code: str
    message: str
    location: Location
    hint: str | None = None
    excerpt: str | None = None
    """The source line; None if showing it could reveal a secret."""
    also_at: tuple[Location, ...] = ()
    """The first of the other places that the problem involves."""
    more_places: int = 0
    """How many more there are, so that n duplicates are reported in linear space."""

    @property
    def text(self) -> str:
        """Return the message with the other places."""
        if not self.also_at:
            return self.message
        more = f" and {self.more_places} more" if self.more_places else ""
        return f"{self.message}; also at {', '.join(map(str, self.also_at))}{more}"


def minute_text(time: datetime) -> str:
    """Return an aware time in UTC, to the minute: `2027-01-04 01:30 UTC`."""
    return f"{time.astimezone(timezone.utc):%Y-%m-%d %H:%M} UTC"


class Actor(NamedTuple):
    """Who started a sync or another command."""

    name: str
    """The user of the CI system, or `USER@HOST`."""
    url: str = ""
    """The page of the run in the CI system; empty outside of one."""


class Interval(NamedTuple):
    """A fixed interval, in the largest whole period that django-celery-beat knows."""

    every: int
    period: str

    @property
    def kind(self) -> str:
        """Return the name of this kind of schedule."""
        return "interval"


class Crontab(NamedTuple):
    """Five fields in the normal form of `beatsync.specfile.crontab`, and their time zone."""

    minute: str
    hour: str
    day_of_month: str
    month_of_year: str
    day_of_week: str
    timezone: str

    @property
    def kind(self) -> str:
        """Return the name of this kind of schedule."""
        return "crontab"

    @property
    def expression(self) -> str:
        """Return the five fields in the order of crontab(5)."""
        return f"{self.minute} {self.hour} {self.day_of_month} {self.month_of_year} {self.day_of_week}"


class Solar(NamedTuple):
    """A solar event at a place; both coordinates in degrees, rounded to six decimal places."""

    event: str
    latitude: Decimal
    longitude: Decimal

    @property
    def kind(self) -> str:
        """Return the name of this kind of schedule."""
        return "solar"


class Clocked(NamedTuple):
    """One point in time, in UTC."""

    clocked_time: datetime

    @property
    def kind(self) -> str:
        """Return the name of this kind of schedule."""
        return "clocked"


Schedule = Union[Interval, Crontab, Solar, Clocked]

_UNITS = {"days": "d", "hours": "h", "minutes": "m", "seconds": "s", "microseconds": "us"}


def schedule_fields(schedule: Schedule | None) -> Iterator[tuple[str, str]]:
    """Yield a schedule as flat `(field, text)` pairs, written as in a spec file."""
    if isinstance(schedule, Interval):
        yield "interval", f"{schedule.every}{_UNITS.get(schedule.period, ' ' + schedule.period)}"
    elif isinstance(schedule, Crontab):
        yield "crontab", schedule.expression
        yield "timezone", schedule.timezone
    elif isinstance(schedule, Solar):
        yield "solar", f"{schedule.event} at {schedule.latitude:f}, {schedule.longitude:f}"
    elif isinstance(schedule, Clocked):
        yield "clocked", schedule.clocked_time.isoformat()


class TaskSpec(NamedTuple):
    """The values of one `PeriodicTask` row, without those that only beat writes.

    Desired and observed values have this one form. `schedule` is None only for an observed row without a readable
    schedule. `args`, `kwargs` and `headers` are canonical JSON text; an observed text that is not JSON is kept unchanged.
    Empty `queue`, `exchange` and `routing_key` are None.
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
        """Return the flat map that is compared, shown and stored: a new dict, keys in the order of `FIELDS`."""
        flat: dict[str, FieldValue] = {"name": self.name, "task": self.task, **dict(schedule_fields(self.schedule))}
        for name in PLAIN_FIELDS[1:]:
            value = getattr(self, name)
            flat[name] = value.isoformat() if isinstance(value, datetime) else value
        return flat


SCHEDULE_FIELDS = ("interval", "crontab", "timezone", "solar", "clocked")
"""The fields of a diff that make up `TaskSpec.schedule`."""
PLAIN_FIELDS = tuple(name for name in TaskSpec._fields if name not in {"name", "schedule"})
"""The other fields: each is an attribute of `TaskSpec`, a key in a spec file and a column of `PeriodicTask`."""
DEFAULT_FIELDS = MappingProxyType(TaskSpec(name="", task="", schedule=None).fields())
"""The value of each field that a spec leaves unset, in the form of `TaskSpec.fields()`; a schedule has none."""
FIELDS = ("name", "task", *SCHEDULE_FIELDS, *PLAIN_FIELDS[1:])
"""Every field that a diff can name, in display order."""


class OnRemove(str, Enum):
    """What happens to a row whose schedule was removed from the files."""

    DELETE = "delete"
    DISABLE = "disable"
    KEEP = "keep"


@dataclass(frozen=True, slots=True)
class Policy:
    """A schedule's `sync:` block: how BeatSync treats the row.

    `ignore` holds names of `FIELDS`; `sensitive` holds dotted paths such as `kwargs.token`. `protect` is None if the file
    does not set it: the inventory's value then stays, so only an explicit `protect: false` removes the protection.
    """

    on_remove: OnRemove = OnRemove.DELETE
    ignore: tuple[str, ...] = ()
    protect: bool | None = None
    renamed_from: str | None = None
    sensitive: tuple[str, ...] = ()
    adopt: bool = False
    """Whether the source takes ownership of an existing row of this name; the inventory does not hold it."""


DEFAULT_POLICY = Policy()


class Declared(NamedTuple):
    """One schedule as a file declares it, for one environment."""

    spec: TaskSpec
    location: Location
    policy: Policy = DEFAULT_POLICY
    enabled_declared: bool = False
    """Whether the file sets `enabled`; if not, `spec.enabled` is True and is used only to create the row."""
    group: str | None = None
    """The name of the schedule whose `every` compiles to this row and others; None: the schedule is this one row."""
    clauses: str = ""
    """The clauses of `every` that this row carries out, for people: `office: 1m`."""
    assumes_zone: bool = False
    """Whether a value depends on the zone that applies where no spec names one."""

    @property
    def schedule(self) -> str:
        """Return the name of the schedule."""
        return self.spec.name if self.group is None else self.group


ROW_MARK = "#"
"""What the names of the further rows of a schedule with `every` contain."""


def group_row_name(schedule: str, number: int) -> str:
    """Return the name of the row with this number, from 1, of a schedule with `every`: `NAME`, `NAME#2`, `NAME#3`."""
    return schedule if number == 1 else f"{schedule}{ROW_MARK}{number}"


class ScheduleFacts(NamedTuple):
    """One schedule of a file, as far as checks across files and against the application need it."""

    name: str
    line: int
    column: int
    task: str | None
    """None: the file names the schedule, but does not declare it in this environment."""
    renamed_from: str | None = None
    clauses: tuple[str, ...] | None = None
    """The clauses of `every` that each row carries out, for people; None: the schedule has no `every`, so it is one row."""

    @property
    def is_group(self) -> bool:
        """Return whether the schedule has `every`: its rows form a group, even if there is only one."""
        return self.clauses is not None

    @property
    def rows(self) -> int:
        """Return the number of rows that the schedule compiles to."""
        return 1 if self.clauses is None else len(self.clauses)

    @property
    def row_names(self) -> tuple[str, ...]:
        """Return the name of each row."""
        return tuple(group_row_name(self.name, number) for number in range(1, self.rows + 1))


class SharedDefinition(NamedTuple):
    """A window or calendar under `shared`, which the whole source can use."""

    kind: str
    """`window` or `calendar`."""
    name: str
    path: str
    line: int
    column: int
    text: str | None
    """The mapping of the file as JSON text; None if its structure is invalid."""

    @property
    def folder(self) -> str:
        """Return the folder of the file, to which the path of a calendar's file is relative; empty for the source itself."""
        return self.path.rpartition("/")[0]


class CalendarEnd(NamedTuple):
    """A calendar whose dates end."""

    name: str
    line: int
    column: int
    last: date


class Acknowledgement(NamedTuple):
    """A comment `beatsync: ignore[code] why`: which warnings of a file it acknowledges."""

    line: int
    column: int
    first: int
    """The first and the last line that it covers; both 0 if it covers none."""
    last: int
    codes: tuple[str, ...]
    has_reason: bool
    matched: tuple[int, ...]
    """For each code, the number of warnings that it acknowledges; in facts, those that depend on the file alone."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What the checks that look at all files need from one file.

    The facts of an unchanged file are stored with its fingerprint, so that the file need not be parsed again.
    """

    path: str
    schedules: tuple[ScheduleFacts, ...] = ()
    """Every name in the file, in file order, in any environment."""
    environments: frozenset[str] = frozenset()
    """Every environment that the file mentions."""
    warnings: tuple[Diagnostic, ...] = ()
    """Warnings that depend on nothing but the file and its context. The facts of a file with an error are never stored."""
    shared: tuple[SharedDefinition, ...] = ()
    """The windows and calendars that the file shares with the whole source."""
    inputs: str = ""
    """The digest of the inputs that the file was parsed with; empty if it uses no window and no calendar."""
    horizon: date | None = None
    """The last day for which its schedules are compiled; None if they use no calendar."""
    calendar_ends: tuple[CalendarEnd, ...] = ()
    """Its calendars that have a last date."""
    hashed: frozenset[str] = frozenset()
    """The different crontabs that come from `H`, each with its zone."""
    acknowledgements: tuple[Acknowledgement, ...] = ()
    """In file order. The warnings that they match are not in `warnings`."""

    @property
    def row_names(self) -> Iterator[str]:
        """Yield the name of each row of each schedule, in file order."""
        return (name for schedule in self.schedules for name in schedule.row_names)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a snapshot: its path relative to the source's directory, with `/`, and its bytes."""

    path: str
    data: bytes = field(repr=False)
    sha256: bytes = field(init=False, repr=False, compare=False)
    """Digest of `data`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha256", hashlib.sha256(self.data).digest())


@dataclass(frozen=True, slots=True)
class Revision:
    """What a source's files were at one time."""

    digest: str
    """Hex SHA-256 over the paths and contents of the files; always present."""
    git: str | None = None
    """The commit, if there is a repository; with `-dirty` appended if the checkout differs from it."""
    mount: str | None = None
    """The name of the timestamped directory that kubelet mounts, if the files come from a ConfigMap."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A source's files, read as one revision."""

    files: tuple[SourceFile, ...]
    revision: Revision
    origin: str | None = None
    """Git remote and folder that the files come from, if known."""
    diagnostics: tuple[Diagnostic, ...] = ()
    """Files that were refused: too large, not a regular file, a symlink that leads out of the directory."""
    calendars: tuple[SourceFile, ...] = ()
    """The `.ics` files of the source."""
    people: str = ""
    """Who wrote and committed the revision, if git knows and the files are those of the commit."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What all files of a snapshot declare in one environment, and every diagnostic about them."""

    schedules: tuple[Declared, ...]
    """Sorted by name: the schedules of the files that were parsed."""
    diagnostics: tuple[Diagnostic, ...] = ()
    environment: str | None = None
    unchanged: frozenset[str] = frozenset()
    """Names of the rows that the other files declare: neither the file nor the row has changed since the last sync, and neither was read."""
    unchanged_groups: Mapping[str, str] = field(default_factory=dict)
    """For each unchanged row of a schedule with several rows, the name of that schedule."""
    timezone: str | None = None
    """The zone that applied where no spec names one."""
    acknowledged: int = 0
    """The number of warnings that comments in the files acknowledge. They are not in `diagnostics`."""

    @property
    def invalid_paths(self) -> frozenset[str]:
        """Return the paths of the files with at least one error."""
        return frozenset(d.location.path for d in self.diagnostics if d.severity is Severity.ERROR)

    @property
    def valid(self) -> tuple[Declared, ...]:
        """Return the schedules of the files without an error."""
        invalid = self.invalid_paths
        if not invalid:
            return self.schedules
        return tuple(declared for declared in self.schedules if declared.location.path not in invalid)
