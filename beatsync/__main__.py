"""Entry point of `python -m beatsync`."""

import sys

from beatsync.cli import main

sys.exit(main())
