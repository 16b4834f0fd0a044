"""`every`: frequencies that follow windows and calendars → crontab rows that together fire exactly when the clauses say.

    clauses → profiles (what each kind of day fires) → cover (disjoint boxes) → rows

This package must not know files, YAML or the clock: calendars come as dates, and the first compiled year is an argument.
"""
