"""Benchmarks of BeatSync, of what people use today, and of lower bounds, all in one run.

    python -m benchmarks                      # 1,000, 10,000 and 100,000 schedules on three databases
    python -m benchmarks --quick              # shows in half a minute that everything runs, on SQLite
    python -m benchmarks --only sync-noop,plan --databases sqlite

Each measure runs in a separate child process (`benchmarks.child`), so that its memory is measured alone and nothing is cached. The
figures are ratios within one run on one machine. The unit is L: the time that PyYAML's CSafeLoader needs for the same files.
"""
