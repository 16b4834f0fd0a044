import django.db.models.deletion
from django.db import migrations, models

COLUMNS = ("said", "as_left")


def set_defaults(apps, schema_editor):
    """Give both columns a default in the database, so that an INSERT need not name them.

    The release before still writes and reads them. This release does neither, and a later one can drop them.
    """
    model = apps.get_model("beatsync", "InventoryEntry")
    table = schema_editor.quote_name(model._meta.db_table)
    for name in COLUMNS:
        column = schema_editor.quote_name(name)
        if schema_editor.connection.features.can_rollback_ddl:
            # SQLite cannot change a column. What the two hold is only ever a reason not to read a row.
            schema_editor.remove_field(model, model._meta.get_field(name))
            schema_editor.execute(f"ALTER TABLE {table} ADD COLUMN {column} varchar(32) DEFAULT '' NOT NULL")
        else:
            schema_editor.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET DEFAULT ''")


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0003_inventoryentry_digests"),
    ]

    operations = [
        migrations.CreateModel(
            name="FileRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("path", models.TextField()),
                ("path_digest", models.CharField(max_length=64)),
                ("fingerprint", models.CharField(max_length=64)),
                ("facts", models.TextField()),
                ("row_digests", models.TextField(default="{}")),
                ("source", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="files", to="beatsync.source")),
            ],
            options={
                "ordering": ("path",),
            },
        ),
        migrations.AddConstraint(
            model_name="filerecord",
            constraint=models.UniqueConstraint(fields=("source", "path_digest"), name="beatsync_filerecord_path"),
        ),
        migrations.RunPython(set_defaults, migrations.RunPython.noop, atomic=False),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.RemoveField(model_name="inventoryentry", name=name) for name in COLUMNS
            ],
        ),
    ]
