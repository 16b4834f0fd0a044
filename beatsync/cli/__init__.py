"""One file a command: parse, wire, call, report, exit code. How anything is done, this room must not know.

Nothing is imported before it is needed: `beatsync --help` costs click, and `validate` neither Django nor celery's application.
"""

from beatsync.cli.group import main

__all__ = ["main"]
