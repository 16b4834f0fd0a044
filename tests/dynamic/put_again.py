"""Puts one name again and again, beside other processes that do the same: `put_again.py URL NUMBER TIMES`. Starts at a line on stdin."""

from __future__ import annotations

import sys

from beatsync.store import DatabaseChoice, connect

connect(DatabaseChoice(url=sys.argv[1]))

from beatsync.dynamic import schedules  # noqa: E402  Django is set up now

number, times = int(sys.argv[2]), int(sys.argv[3])
mine = schedules("reports", using="default", actor=f"process {number}")
mine.all()
print("ready", flush=True)
sys.stdin.readline()
for time in range(times):
    mine.put("the-name", task="reports.send", crontab=f"{time} {number} * * *", args=[number, time])
