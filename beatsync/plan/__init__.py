"""Desired, observed and inventory values → a plan, as pure functions: `diff.make_plan`, then `guard.guard`.

This package must not know files, YAML, Django, databases, the environment or the clock: time is an argument.
"""
