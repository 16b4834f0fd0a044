"""What is asked of a plan by whoever wants it made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from beatsync.values import Revision


@dataclass(frozen=True, slots=True)
class PlanOptions:
    """What a person may tell a plan; every default is the safe one."""

    adopt: bool = False
    allow_empty: bool = False
    max_deletes: str | None = None
    """`N` or `N%`; None is the larger of three rows and 30 %."""
    catch_up: bool = False
    accept_origin: bool = False
    """Take over what the same source name owns from other files (`--accept-origin`)."""
    approved: str | None = None
    """Checksum of a reviewed plan: exactly that one may pass the limit on deletions."""
    isolate: bool = False
    """Sync the valid files and freeze what the invalid ones last declared (`--on-invalid isolate`)."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked of a plan, beside what the files and the database say."""

    source: str
    now: datetime
    """The moment of the sync, aware."""
    revision: Revision
    origin: str | None = None
    options: PlanOptions = PlanOptions()
