"""The words for the state of a row and of a source that no `Condition` has: the same in text, HTML and the Django admin."""

from __future__ import annotations

AS_APPLIED = "as applied"
DRIFTED = "drifted"
"""The next sync, or the next write of the application, restores what was applied."""
MISSING = "deleted outside BeatSync"
NEVER_SYNCED = "never synced"
DECLARED_BY_APPLICATION = "declared by the application"
