"""The commands of other schedulers → the celery task that they call, if they call one."""

from __future__ import annotations

import re
import shlex
from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

from beatsync.convert.remarks import Conversion, Remark
from beatsync.specfile import interval
from beatsync.specfile.jsontext import normalise
from beatsync.specfile.placeholders import TASK
from beatsync.specfile.problems import SpecError
from beatsync.specfile.write import Entry
from beatsync.values import Schedule, TaskSpec

_CALL_OPTIONS = {
    "-a": "args", "--args": "args", "-k": "kwargs", "--kwargs": "kwargs", "--queue": "queue", "--exchange": "exchange",
    "--routing-key": "routing_key", "--expires": "expire_seconds",
}  # fmt: skip
"""The options of `celery call` that have a column."""
_PREFIX = re.compile(r"[A-Za-z_]\w*=.*|sudo|env|exec|nice|time|poetry|pipenv|uv|run", re.DOTALL)
_INTERPRETER = re.compile(r"(?:python|ruby|bash|sh|php|node|perl)[\d.]*")


class Call(NamedTuple):
    """What a command does."""

    name: str
    """A name for its schedule."""
    fields: dict[str, Any]
    """Fields of `TaskSpec`; without `task` if it calls no celery task."""


def read_command(command: str | Sequence[str]) -> Call:
    """Return what a command line does; one that is `celery … call TASK` says the task and its arguments."""
    words = list(command) if not isinstance(command, str) else _split(command)
    for index, word in enumerate(words):
        if word == "call" and any(PurePosixPath(before).name == "celery" for before in words[:index]):
            return _celery_call(words[index + 1 :])
    return Call(_name(words), {})


def _split(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # an unclosed quote
        return command.split()


def _celery_call(words: Sequence[str]) -> Call:
    fields: dict[str, Any] = {}
    rest = iter(words)
    for word in rest:
        option, separator, value = word.partition("=")
        if key := _CALL_OPTIONS.get(option):
            text = value if separator else next(rest, "")
            fields |= _field(key, text)
        elif not word.startswith("-"):
            fields.setdefault("task", word)
    return Call(_slug(str(fields.get("task", "")).rpartition(".")[2]), fields)


def _field(key: str, text: str) -> dict[str, Any]:
    if key == "expire_seconds":
        return {key: int(text)} if text.isdecimal() else {}
    return {key: normalise(text, "") if key in {"args", "kwargs"} else text}


def _name(words: Sequence[str]) -> str:
    """Return the word that says most about a command: the one behind `manage.py`, or its program."""
    for index, word in enumerate(words[:-1]):
        if word.endswith("manage.py"):
            return _slug(words[index + 1])
    start = max((index + 1 for index, word in enumerate(words[:-1]) if word in {"&&", ";"}), default=0)
    programs = [word for word in words[start:] if not _PREFIX.fullmatch(word) and not word.startswith("-")]
    named = [word for word in programs if not _INTERPRETER.fullmatch(PurePosixPath(word).name)]
    return _slug(PurePosixPath((named or programs or ["job"])[0]).stem)


def _slug(text: str) -> str:
    return re.sub(r"[^\w-]+", "-", text).strip("-")[:60] or "job"


def add_job(
    conversion: Conversion,
    name: str,
    schedule: Schedule,
    fields: dict[str, Any],
    *,
    has_zone: bool,
    enabled_comment: str = "",
) -> None:
    """Add a job of another scheduler; without a task it gets a placeholder for one. With `enabled_comment` it is disabled.

    `has_zone` is whether the job or the user named its time zone.
    """
    enabled = not enabled_comment
    spec = TaskSpec(name, schedule=schedule, enabled=enabled, **{"task": "task", **fields})
    entry = Entry(spec, enabled=None if enabled else False, enabled_comment=enabled_comment)
    if not conversion.add(entry):
        return
    conversion.without_zone += not has_zone
    if "task" not in fields:
        conversion.entries[-1] = entry._replace(spec=spec._replace(task=TASK))
        conversion.notes.append(Remark(name, "needs the name of its celery task"))


def deadline(value: object) -> dict[str, int]:
    """Return a number of seconds within which a job must start as `expire_seconds`."""
    return {"expire_seconds": value} if isinstance(value, int) and 0 < value <= interval.MAX_EVERY else {}


def refuse(conversion: Conversion, name: str, error: SpecError) -> None:
    """Add the reason why no file can declare a job."""
    hint = f"; {error.hint}" if error.hint else ""
    conversion.refused.append(Remark(name, f"{error.message}{hint}"))
