"""A beat that only runs and flushes: the real scheduler class, on rows that are always due.

Usage: flushing_beat.py SCHEDULER; ends when its standard input ends, and prints a summary as JSON.
"""

from __future__ import annotations

import json
import sys
import threading
from importlib import import_module
from typing import Any

import django

django.setup()

from django.db import connection, transaction  # noqa: E402  needs Django to be set up


def scheduler_class(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)


def main() -> None:
    from proj import app  # type: ignore[import-not-found]

    scheduler = scheduler_class(sys.argv[1])(app=app)
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    print("ready", flush=True)
    flushed = reloads = 0
    while not ended.is_set():
        before = scheduler._schedule
        entries = scheduler.schedule
        reloads += entries is not before
        # What `Scheduler.apply_entry` does with a due entry, without a broker: reserve it, then flush all entries that ran.
        for name in list(entries)[::7]:
            if name not in scheduler._schedule or not entries[name].model.enabled:
                continue
            entries[name] = scheduler.reserve(entries[name])
            scheduler.sync()
            flushed += 1
            if ended.is_set():
                break
    print(json.dumps({"flushed": flushed, "reloads": reloads, "atomic": transaction.get_connection().in_atomic_block}))
    connection.close()


main()
