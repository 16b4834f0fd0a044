"""Text → desired: one YAML reader with positions, the field table, checks, interpretation, lints, facts.

This package must not know files, Django, the database or the clock: bytes and options in, values and diagnostics out.
"""
