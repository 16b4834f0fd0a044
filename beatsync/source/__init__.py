"""A directory → one consistent snapshot with its revision, and word of its changes.

This room must not know Django, YAML or what a spec means: it reads bytes. An unreadable file is an error, never an absent one.
"""

from beatsync.source.load import Loaded, glance, load, load_again, load_file
from beatsync.source.problems import SourceError
from beatsync.source.walk import Limits

__all__ = ["Limits", "Loaded", "SourceError", "glance", "load", "load_again", "load_file"]
