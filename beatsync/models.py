"""BeatSync's own tables. Only the store reads and writes them (`beatsync.store`).

No column here refers to a table of django-celery-beat by a constraint: an application that does not know BeatSync can delete any
of its own rows.
"""

# ruff: noqa: D106  Django's Meta needs no explanation

from __future__ import annotations

from django.db import models


class Source(models.Model):
    """A named directory of spec files, or a set that an application declares, that owns rows. Its row is also the lock of a sync.

    `kind` is NULL for files, as the release before leaves it.
    """

    name = models.CharField(max_length=100, unique=True)
    origin = models.TextField(null=True)  # noqa: DJ001  unknown is not the same as empty
    revision_digest = models.CharField(max_length=64, default="")
    revision_git = models.CharField(max_length=100, null=True)  # noqa: DJ001
    revision_mount = models.CharField(max_length=100, null=True)  # noqa: DJ001
    environment = models.CharField(max_length=100, null=True)  # noqa: DJ001
    synced_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=20, default="")
    message = models.TextField(default="")
    holder = models.CharField(max_length=200, default="")
    held_at = models.DateTimeField(null=True)
    suspended_at = models.DateTimeField(null=True)
    suspended_until = models.DateTimeField(null=True)
    suspended_by = models.CharField(max_length=200, default="")
    suspended_for = models.TextField(default="")
    checksum = models.CharField(max_length=64, null=True)  # noqa: DJ001
    kind = models.CharField(max_length=20, null=True)  # noqa: DJ001
    timezone = models.CharField(max_length=63, null=True)  # noqa: DJ001  unknown is not UTC

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class ChecksumKey(models.Model):
    """The key of the checksums of plans: a checksum without it would let its reader test guesses of a masked value."""

    value = models.CharField(max_length=64)

    def __str__(self) -> str:
        return "the key of plans"


class Lease(models.Model):
    """Which daemon leads a source, and until when, in seconds since 1970 by the database's own clock."""

    source = models.CharField(max_length=100, unique=True)
    holder = models.CharField(max_length=200)
    token = models.CharField(max_length=40)
    expires_at = models.FloatField()

    class Meta:
        ordering = ("source",)

    def __str__(self) -> str:
        return f"{self.source}: {self.holder}"


class InventoryEntry(models.Model):
    """A `PeriodicTask` row that a source owns, and what was last applied to it.

    There are as many entries as tasks, so the table has no index and no constraint that BeatSync does not need. Until the next
    release it also has the columns `said` and `as_left` of the release before, with a default (migration 0004).
    """

    # Most sources own nearly all entries, so an index on the source would not help; and BeatSync never deletes a source.
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="entries", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    row_id = models.BigIntegerField(db_index=True)
    applied = models.TextField()
    on_remove = models.CharField(max_length=10)
    ignore = models.TextField(default="[]")
    sensitive = models.TextField(default="[]")
    protect = models.BooleanField(default=False)
    path = models.TextField(default="")
    retired = models.BooleanField(default=False)
    frozen = models.BooleanField(default=False)
    # The name of the schedule with `every` that the row is part of; NULL: the schedule is this one row.
    schedule = models.CharField(max_length=200, null=True)  # noqa: DJ001
    # A JSON list of the fields that an edit left to the operator; NULL: none, as the release before leaves it.
    operator_fields = models.TextField(null=True)  # noqa: DJ001

    class Meta:
        ordering = ("name",)
        verbose_name_plural = "inventory entries"
        # For a `unique` field Django creates a second index on PostgreSQL, for LIKE.
        constraints = (models.UniqueConstraint(fields=("name",), name="beatsync_inventoryentry_name"),)

    def __str__(self) -> str:
        return self.name


class FileRecord(models.Model):
    """What the last sync recorded about a spec file, so that an unchanged file need not be parsed again."""

    # Neither a constraint nor an index, as above; a source can be deleted by hand.
    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="files", db_constraint=False, db_index=False
    )
    path = models.TextField()
    path_digest = models.CharField(max_length=64)
    fingerprint = models.CharField(max_length=64)
    facts = models.TextField()
    row_digests = models.TextField(default="{}")

    class Meta:
        ordering = ("path",)
        # Of the digest, because MySQL cannot index a text of any length.
        constraints = (models.UniqueConstraint(fields=("source", "path_digest"), name="beatsync_filerecord_path"),)

    def __str__(self) -> str:
        return self.path


class Tombstone(models.Model):
    """A row that a source deleted, by which one that beat's save resurrects is recognised."""

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="tombstones")
    name = models.CharField(max_length=200)
    row_id = models.BigIntegerField()
    deleted_at = models.DateTimeField()

    class Meta:
        ordering = ("deleted_at",)

    def __str__(self) -> str:
        return self.name


class Pause(models.Model):
    """An operator's pause of a schedule: one record for each of its rows, under the name of the row's inventory entry."""

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="pauses", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    paused_by = models.CharField(max_length=200)
    reason = models.TextField()
    paused_at = models.DateTimeField()
    paused_until = models.DateTimeField(null=True)
    was_enabled = models.BooleanField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("name",), name="beatsync_pause_name"),)

    def __str__(self) -> str:
        return self.name


class PendingWrite(models.Model):
    """A write of an application's set whose notice to beat, or whose verification, is still due.

    It is only inserted in the transaction of the write, so that an open transaction holds no lock that others wait for. `names` is
    a JSON list of rows; it is empty if they are too many to list.
    """

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="pending_writes", db_constraint=False, db_index=False
    )
    names = models.TextField()
    written_at = models.DateTimeField()
    notified = models.BooleanField(default=False)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"written at {self.written_at}"


class OneOff(models.Model):
    """A one-off of an application's set, and how long its row is kept after it ran or expired."""

    source = models.ForeignKey(
        Source, on_delete=models.CASCADE, related_name="one_offs", db_constraint=False, db_index=False
    )
    name = models.CharField(max_length=200)
    remove_at = models.DateTimeField(db_index=True)
    keep_seconds = models.BigIntegerField()

    class Meta:
        ordering = ("name",)
        constraints = (models.UniqueConstraint(fields=("name",), name="beatsync_oneoff_name"),)

    def __str__(self) -> str:
        return self.name


class SyncRecord(models.Model):
    """One sync that changed something or failed, or what an operator did to a source or its schedules.

    NULL in `run_url` and `repeats`: the release before wrote the record.
    """

    source = models.ForeignKey(Source, on_delete=models.CASCADE, related_name="records")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField()
    revision_digest = models.CharField(max_length=64, default="")
    revision_git = models.CharField(max_length=100, null=True)  # noqa: DJ001
    revision_mount = models.CharField(max_length=100, null=True)  # noqa: DJ001
    environment = models.CharField(max_length=100, null=True)  # noqa: DJ001
    outcome = models.CharField(max_length=20)
    summary = models.TextField(default="{}")
    changes = models.TextField(default="[]")
    message = models.TextField(default="")
    actor = models.CharField(max_length=200, default="")
    run_url = models.TextField(null=True)  # noqa: DJ001
    repeats = models.IntegerField(null=True)

    class Meta:
        ordering = ("-started_at", "-id")

    def __str__(self) -> str:
        return f"{self.outcome} at {self.started_at}"
