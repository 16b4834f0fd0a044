"""The schedule file of sidekiq-cron → schedules to write. The jobs are classes of Ruby, so every task has to be filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from beatsync.convert.commands import add_job, refuse
from beatsync.convert.cronlines import is_zone, read_expression
from beatsync.convert.documents import mapping, read_documents, text_of
from beatsync.convert.remarks import Conversion, Remark, unique
from beatsync.specfile.jsontext import canonical
from beatsync.specfile.problems import SpecError
from beatsync.values import Crontab

_KEYS = frozenset({"name", "cron", "class", "klass", "queue", "args", "description", "status"})
_EVERY = re.compile(r"every\s+(?:(\d+)\s+)?(minute|hour|day)s?")
_STEPS = {"minute": "*/{0} * * * *", "hour": "0 */{0} * * *"}
_ONCE = {"minute": "* * * * *", "hour": "0 * * * *", "day": "0 0 * * *"}
_WITH_SECONDS = 6


def convert_sidekiq(data: bytes, timezone: str | None) -> Conversion:
    """Return the jobs of a schedule file, a mapping by name or a list. Raises SpecError if the text is not YAML."""
    conversion = Conversion()
    names: set[str] = set()
    for label, job in _jobs(read_documents(data)):
        name = unique(label, names)
        try:
            schedule, has_zone = _schedule(text_of(job.get("cron")), timezone)
            args = job.get("args", [])
            fields = {"args": canonical(args if isinstance(args, list) else [args])}
        except SpecError as error:
            refuse(conversion, name, error)
            continue
        if queue := text_of(job.get("queue")):
            fields["queue"] = queue
        ruby_class = text_of(job.get("class") or job.get("klass"))
        lines = (text_of(job.get("description")), f"sidekiq-cron: {ruby_class}")
        fields["description"] = "\n".join(filter(None, lines))
        disabled = "was disabled" if job.get("status") == "disabled" else ""
        add_job(conversion, name, schedule, fields, has_zone=has_zone, enabled_comment=disabled)
        conversion.notes += [Remark(name, f"loses its key {key}") for key in sorted(job.keys() - _KEYS)]
    conversion.sort()
    return conversion


def _jobs(documents: list[Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for document in documents:
        if isinstance(document, list):
            yield from ((text_of(mapping(job).get("name")) or "job", mapping(job)) for job in document)
        else:
            yield from ((name, mapping(job)) for name, job in mapping(document).items())


def _schedule(text: str, timezone: str | None) -> tuple[Crontab, bool]:
    """Return a crontab, and whether it or the command line names its zone. Raises SpecError."""
    *fields, last = text.split() or [""]
    if fields and is_zone(last):
        timezone, text = last, " ".join(fields)
    return read_expression(_five_fields(text), timezone or "UTC"), timezone is not None


def _five_fields(text: str) -> str:
    """Return the five fields of an expression with seconds, or in words. Raises SpecError."""
    if match := _EVERY.fullmatch(text.strip()):
        number, unit = match.groups()
        if number is None or int(number) == 1:
            return _ONCE[unit]
        if unit in _STEPS:
            return _STEPS[unit].format(number)
    fields = text.split()
    if len(fields) == _WITH_SECONDS and fields[0] != "0":
        raise SpecError(
            "crontab-fields", f"{text!r} runs at seconds, and a crontab of celery has none", "use an interval"
        )
    return " ".join(fields[1:]) if len(fields) == _WITH_SECONDS else text
