"""Holds the lock of a source, as another BeatSync at work does, until it reads a line: URL SOURCE HOLDER."""

from __future__ import annotations

import sys

from beatsync.store import DatabaseChoice, connect

store = connect(DatabaseChoice(url=sys.argv[1]))
with store.locked(sys.argv[2], 30.0, sys.argv[3]):
    print("held", flush=True)
    sys.stdin.readline()
