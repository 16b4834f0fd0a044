"""The lines of a crontab(5) file → schedules to write."""

from __future__ import annotations

import re

from beatsync.convert.commands import add_job, read_command, refuse
from beatsync.convert.cronlines import read_expression
from beatsync.convert.remarks import Conversion, unique
from beatsync.specfile.problems import SpecError

_VARIABLE = re.compile(r"\s*([A-Za-z_]\w*)\s*=\s*(.*?)\s*")
_FIELDS = 5


def convert_crontab(data: bytes, timezone: str | None, *, has_user: bool = False) -> Conversion:
    """Return the jobs of a crontab; `has_user` is whether each line names a user, as in /etc/crontab."""
    conversion = Conversion()
    names: set[str] = set()
    zone, comment = timezone, ""
    for line in data.decode(errors="replace").splitlines():
        text = line.strip()
        if text.startswith("#"):
            comment = text.lstrip("# ").strip()
            continue
        if match := _VARIABLE.fullmatch(text):
            if match[1] == "CRON_TZ":
                zone = match[2].strip("\"'")
        elif text:
            _add_line(conversion, names, text, zone, comment, has_user=has_user)
        comment = ""
    conversion.sort()
    return conversion


def _add_line(
    conversion: Conversion, names: set[str], text: str, zone: str | None, comment: str, *, has_user: bool
) -> None:
    count = 1 if text.startswith("@") else _FIELDS
    *fields, command = [*text.split(None, count), ""][: count + 1]
    if has_user:
        command = command.partition(" ")[2].strip()
    call = read_command(command)
    name = unique(call.name, names)
    try:
        schedule = read_expression(" ".join(fields), zone or "UTC")
    except SpecError as error:
        refuse(conversion, name, error)
        return
    description = "\n".join(filter(None, (comment, f"crontab: {command}")))
    add_job(conversion, name, schedule, {**call.fields, "description": description}, has_zone=zone is not None)
