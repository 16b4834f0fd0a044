"""Generated, realistic sources: schedules of all kinds for many tenants, in several time zones, with usual arguments."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

_ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", "Australia/Sydney", "America/Sao_Paulo")
_TASKS = ("billing.tasks.send_invoices", "reports.tasks.nightly", "sync.tasks.pull", "mail.tasks.digest", "cache.warm")
_QUEUES = ("default", "slow", "mail")
_FILES_PER_DIRECTORY = 1000


def write(directory: Path, schedules: int, per_file: int, *, changed_files: float = 0.0) -> None:
    """Write a source of `schedules` schedules, `per_file` to a file.

    In a share `changed_files` of the files, at least one if it is not 0, every schedule has other arguments.
    """
    directory.mkdir(parents=True, exist_ok=True)
    step = round(1 / changed_files) if changed_files else 0
    for number, first in enumerate(range(0, schedules, per_file)):
        numbers = range(first, min(first + per_file, schedules))
        folder = directory / f"{number // _FILES_PER_DIRECTORY:03d}"
        folder.mkdir(exist_ok=True)
        is_changed = bool(step) and number % step == 0
        (folder / f"{number:06d}.yaml").write_text(spec_file(numbers, is_changed=is_changed), encoding="utf-8")


def spec_file(numbers: range, *, is_changed: bool = False) -> str:
    """Return a spec file with the schedules of these numbers; with `is_changed`, all with other arguments."""
    head = "defaults:\n  queue: default\n  expire_seconds: 1h\n\nschedules:\n"
    return head + "".join(_schedule(number, is_changed=is_changed) for number in numbers)


def _schedule(number: int, *, is_changed: bool) -> str:
    chance = random.Random(number)
    lines = ["  # Requested by the tenant; see the contract."] if chance.random() < 0.05 else []
    lines.append(f"  tenant-{number:07d}.{chance.choice(('invoices', 'report', 'pull', 'digest'))}:")
    lines.append(f"    task: {chance.choice(_TASKS)}")
    kind = chance.random()
    if kind < 0.62:
        lines.append(
            f'    crontab: "{chance.randrange(60)} {chance.randrange(24)} * * {chance.choice(("*", "1-5", "0"))}"'
        )
        if chance.random() < 0.7:
            lines.append(f"    timezone: {chance.choice(_ZONES)}")
    elif kind < 0.96:
        lines.append(f"    interval: {chance.choice(('30s', '1m', '5m', '15m', '90m', '6h', '1d'))}")
    elif kind < 0.98:
        lines.append(
            f"    solar: {{event: {chance.choice(('sunrise', 'sunset'))},"
            f" latitude: {chance.randrange(-600, 600) / 10}, longitude: {chance.randrange(-1700, 1700) / 10}}}"
        )
    else:
        lines.append(f"    clocked: 2099-{chance.randrange(1, 13):02d}-{chance.randrange(1, 28):02d}T08:00:00Z")
    lines.append("    kwargs:")
    lines.append(f"      tenant: {number}")
    lines.append(f"      region: {chance.choice(('eu', 'us', 'ap'))}")
    lines.append(f"      dry_run: {'true' if is_changed else 'false'}")
    if chance.random() < 0.3:
        lines.append(f"      recipients: [ops-{number}@example.com, billing@example.com]")
    lines.extend(_optional_fields(number, chance))
    return "\n".join(lines) + "\n"


def _optional_fields(number: int, chance: random.Random) -> Iterator[str]:
    """Yield the fields that only some schedules have."""
    if chance.random() < 0.2:
        yield f"    queue: {chance.choice(_QUEUES)}"
    if chance.random() < 0.1:
        yield f"    args: [{number % 100}, full]"
    if chance.random() < 0.04:
        yield f"    headers: {{x-tenant: t{number}}}"
    if chance.random() < 0.04:
        yield f"    start_time: 2027-{chance.randrange(1, 13):02d}-01T00:00:00+01:00"
    if chance.random() < 0.05:
        yield "    enabled: false"
    if chance.random() < 0.02:
        yield "    sync: {protect: true, on_remove: disable}"
    if chance.random() < 0.1:
        yield f"    priority: {chance.randrange(10)}"
    if chance.random() < 0.3:
        yield f"    description: The {chance.choice(('nightly', 'hourly', 'weekly'))} run of tenant {number}"
