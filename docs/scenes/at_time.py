"""Run `beatsync` at a fixed time: `python at_time.py 2026-06-03T11:52:20+00:00 plan`."""

import sys
from datetime import datetime

import time_machine

if __name__ == "__main__":
    time = datetime.fromisoformat(sys.argv.pop(1))
    with time_machine.travel(time, tick=False):
        from beatsync.cli import main

        sys.exit(main())
