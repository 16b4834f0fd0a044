"""Schedules → the files that declare them: which file each belongs to, and the text of each."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from beatsync.convert.remarks import unique
from beatsync.specfile.additions import with_schedules
from beatsync.specfile.write import Entry, document

SPLITS = ("none", "queue", "module")
STEM = "schedules"
MAX_SCHEDULES = 2_000
"""Of one file: larger ones may be more than BeatSync reads, and are no pleasure to review."""
_UNSAFE = re.compile(r"[^\w.-]+")


def split(entries: Sequence[Entry], by: str) -> dict[str, list[Entry]]:
    """Return the entries by the path of their file, both sorted."""
    stems: dict[str, list[Entry]] = {}
    for entry in sorted(entries, key=lambda entry: entry.spec.name):
        stems.setdefault(_stem(entry, by), []).append(entry)
    taken: set[str] = set()
    files = {}
    for stem, of_file in sorted(stems.items()):
        for start in range(0, len(of_file), MAX_SCHEDULES):
            files[f"{unique(stem, taken)}.yaml"] = of_file[start : start + MAX_SCHEDULES]
    return files


def _stem(entry: Entry, by: str) -> str:
    if by == "none":
        return STEM
    key = (entry.spec.queue or "") if by == "queue" else _module(entry.spec.task)
    # On some machines two files whose names differ in case are one, and a name that begins with `.` or `_` is not read.
    stem = _UNSAFE.sub("-", key).strip("._-").lower()
    return stem[:100] or STEM


def _module(task: str) -> str:
    """Return the module of a task without a last part `tasks`: `billing` for `billing.tasks.bill`."""
    return task.rpartition(".")[0].removesuffix(".tasks")


def texts(files: Mapping[str, Sequence[Entry]]) -> dict[str, str]:
    """Return the text of each file."""
    return {path: document(entries) for path, entries in files.items()}


def one_text(files: Mapping[str, str]) -> str:
    """Return the texts of files as one, with the path of each above it if there are several."""
    if len(files) < 2:  # noqa: PLR2004
        return "".join(files.values())
    return "---\n".join(f"# {path}\n{text}" for path, text in files.items())


def updated(files: Mapping[str, Sequence[Entry]], existing: Mapping[str, str]) -> dict[str, str | None]:
    """Return the text of each file with its entries added to the existing one; None if they cannot be added."""
    return {
        path: with_schedules(existing[path], entries) if path in existing else document(entries)
        for path, entries in files.items()
    }
