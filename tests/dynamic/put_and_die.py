"""Puts one schedule, and ends like a crash after the commit, before beat is notified: `put_and_die.py URL NAME`."""

from __future__ import annotations

import os
import sys

from beatsync.store import DatabaseChoice, connect

connect(DatabaseChoice(url=sys.argv[1]))

from beatsync.dynamic import schedules  # noqa: E402  Django is set up now
from beatsync.store import SetStore  # noqa: E402

SetStore.settle_notices = lambda *_: os._exit(9)  # type: ignore[method-assign]
schedules("reports", using="default").put(sys.argv[2], task="reports.send", interval="1h")
