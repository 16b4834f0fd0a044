"""Sync two revisions of a directory in turn until standard input ends and two syncs were applied; print the count of each outcome.

Usage: sync_again.py URL DIR-A DIR-B
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path

from django.db import connections

from beatsync.plan.request import PlanOptions
from beatsync.reconcile import SyncOptions, sync
from beatsync.store import DatabaseChoice, RetryableError, connect


def main() -> None:
    url, *folders = sys.argv[1:]
    store = connect(DatabaseChoice(url=url))
    ended = threading.Event()

    def wait_for_the_end() -> None:
        sys.stdin.read()
        ended.set()

    threading.Thread(target=wait_for_the_end, daemon=True).start()
    counts: Counter[str] = Counter()
    options = SyncOptions(plan=PlanOptions(max_deletes="100%"), lock_timeout=60)
    while not ended.is_set() or counts["applied"] < 2:
        for folder in folders:
            try:
                counts[sync(Path(folder), store, options).outcome.value] += 1
            except RetryableError:
                counts["retry"] += 1
    print(json.dumps(counts), flush=True)
    connections.close_all()


main()
