"""How fast, measured: BeatSync, what people do today, and the floors below which nothing can go, in one run.

    python -m benchmarks                      # 1,000, 10,000 and 100,000 schedules on three databases
    python -m benchmarks --quick              # that it runs, in half a minute, on SQLite
    python -m benchmarks --only sync-noop,yaml-load --databases sqlite

Each measure is a child process of its own (`benchmarks.child`), so that memory is that of one thing alone and nothing is warm
that would be cold. The figures are ratios of one run on one machine; docs/performance.md shows a run.
"""
