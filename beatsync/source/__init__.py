"""A directory → one consistent snapshot with its revision, and notifications when it may have changed.

This package must not know Django, YAML or the meaning of a spec: it reads bytes. An unreadable file is an error, never an absent file.
"""

from beatsync.source.load import LoadedSource, load, load_file, reload, scan
from beatsync.source.problems import SourceError
from beatsync.source.walk import Limits

__all__ = ["Limits", "LoadedSource", "SourceError", "load", "load_file", "reload", "scan"]
