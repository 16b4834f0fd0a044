"""CronJob manifests of Kubernetes → schedules to write."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from beatsync.convert.commands import add_job, deadline, read_command, refuse
from beatsync.convert.cronlines import read_expression
from beatsync.convert.documents import mapping, read_documents, text_of
from beatsync.convert.remarks import Conversion, Remark, unique
from beatsync.specfile.problems import SpecError


def convert_kubernetes(data: bytes, timezone: str | None) -> Conversion:
    """Return the CronJobs of manifests; other objects are ignored. Raises SpecError if the text is not YAML."""
    conversion = Conversion()
    names: set[str] = set()
    for job in _cron_jobs(read_documents(data)):
        spec = mapping(job.get("spec"))
        name = unique(text_of(mapping(job.get("metadata")).get("name")) or "job", names)
        zone = text_of(spec.get("timeZone")) or timezone
        words = _command(spec)
        fields = {**read_command(words).fields, **deadline(spec.get("startingDeadlineSeconds"))}
        if words:
            fields["description"] = f"CronJob: {' '.join(words)}"
        try:
            schedule = read_expression(text_of(spec.get("schedule")), zone or "UTC")
        except SpecError as error:
            refuse(conversion, name, error)
            continue
        suspended = "was suspended" if spec.get("suspend") is True else ""
        add_job(conversion, name, schedule, fields, has_zone=zone is not None, enabled_comment=suspended)
        if spec.get("concurrencyPolicy") in {"Forbid", "Replace"}:
            note = f"loses concurrencyPolicy: {spec['concurrencyPolicy']}, which beat does not have"
            conversion.notes.append(Remark(name, note))
    conversion.sort()
    return conversion


def _cron_jobs(values: list[Any]) -> Iterator[dict[str, Any]]:
    for value in map(mapping, values):
        if value.get("kind") == "CronJob":
            yield value
        elif isinstance(value.get("items"), list):
            yield from _cron_jobs(value["items"])


def _command(spec: dict[str, Any]) -> list[str]:
    """Return the words of the command of the first container."""
    template = mapping(mapping(mapping(spec.get("jobTemplate")).get("spec")).get("template"))
    containers = mapping(template.get("spec")).get("containers")
    container = mapping(containers[0]) if isinstance(containers, list) and containers else {}
    parts = [*(container.get("command") or ()), *(container.get("args") or ())]
    return list(map(text_of, parts))
