"""A directory → one consistent snapshot with its revision.

This room must not know Django, YAML or what a spec means: it reads bytes. An unreadable file is an error, never an absent one.
"""

from beatsync.source.load import Limits, load, load_file
from beatsync.source.problems import SourceError

__all__ = ["Limits", "SourceError", "load", "load_file"]
