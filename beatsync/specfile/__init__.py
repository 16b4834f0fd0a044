"""Text → desired: one YAML reader with positions, the field table, checks, interpretation, lints, facts.

This package must not know files, Django, the database or the clock: bytes and options in, values and diagnostics out.
"""

from beatsync.specfile.combine import combine, cross_check
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file

__all__ = ["ParseOptions", "ParsedFile", "combine", "cross_check", "parse_file"]
