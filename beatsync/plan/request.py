"""The options and the circumstances of a plan, besides the files and the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beatsync.values import Revision


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """The options of a plan; every default is the safe choice."""

    adopt: bool = False
    """Take ownership of existing rows that no source owns."""
    allow_empty: bool = False
    max_deletes: str | None = None
    """`N` or `N%`; None is the larger of three rows and 30 %."""
    catch_up: bool = False
    accept_origin: bool = False
    """Take over what the same source name owns from other files (`--accept-origin`)."""
    approved: str | None = None
    """The checksum of a reviewed plan: only that plan may be applied, and it may pass the limit on deletions."""
    isolate: bool = False
    """Sync the valid files and freeze the rows that the invalid ones last declared (`--on-invalid isolate`)."""


@dataclass(frozen=True, slots=True)
class Request:
    """Which source is planned, when, from which revision, and with which options."""

    source: str
    now: datetime
    """The time of the sync, aware."""
    revision: Revision
    origin: str | None = None
    options: PlanOptions = PlanOptions()
