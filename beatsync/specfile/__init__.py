"""Text → desired: reading YAML with positions, the schema, the meaning, normal form, environments.

This room must not know files, Django, the database or the clock: bytes and options in, values and diagnostics out.
"""

from beatsync.specfile.combine import combine
from beatsync.specfile.parse import ParsedFile, ParseOptions, parse_file

__all__ = ["ParseOptions", "ParsedFile", "combine", "parse_file"]
