"""The command line: one module per command, which parses, calls the core, renders and returns an exit code.

Modules are imported on first use: `beatsync --help` imports only click, and `validate` imports neither Django nor a celery app.
"""

from beatsync.cli.group import main

__all__ = ["main"]
