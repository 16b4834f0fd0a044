"""Notices what operators do to a source in the database: `suspend`, `resume` and `release` reach a daemon by its row only."""

from __future__ import annotations

from contextlib import suppress

from beatsync.store import Store, StoreError
from beatsync.store.sources import SourceMarks


class Interventions:
    """Compares the source's row with that of the last look. A row that cannot be read is looked at again later."""

    def __init__(self, store: Store, source: str, holder: str) -> None:
        self._store = store
        self._source = source
        self._holder = holder
        self._last: SourceMarks | None = None

    def look(self, *, full: bool) -> None:
        """Look before a sync: what happens from then on is news. Without `full`, the sync does not see what was released before."""
        marks, last = self._read(), self._last
        if marks is not None and last is not None and not full:
            marks = marks._replace(holder=last.holder, held_at=last.held_at)
        self._last = marks

    def forget(self) -> None:
        """Begin again, since another process leads the source."""
        self._last = None

    def are_new(self) -> bool:
        """Return whether an operator did something since the last look; one small query."""
        marks = None if self._last is None else self._read()
        if self._last is None or marks is None:
            return False
        last, self._last = self._last, marks
        # A sync of this process, which comes after the other's, clears the mark of the other; that is no news.
        if marks.holder in {"", self._holder}:
            self._last = marks._replace(holder=last.holder, held_at=last.held_at)
        return self._last != last

    def _read(self) -> SourceMarks | None:
        with suppress(StoreError):
            return self._store.source_marks(self._source)
        return None
