"""Which files and rows are unchanged since the last sync: fingerprints → `Scope`.

A fingerprint never changes what a sync does, only what it has to parse and read. This package must not know SQL or YAML.
"""

from beatsync.fingerprint.records import (
    EVERYTHING,
    FileChanges,
    FileRecord,
    RowFingerprints,
    Scope,
    SourceRecord,
    SyncStamp,
)

__all__ = ["EVERYTHING", "FileChanges", "FileRecord", "RowFingerprints", "Scope", "SourceRecord", "SyncStamp"]
