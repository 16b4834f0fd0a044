import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
    ]

    operations = [
        migrations.CreateModel(
            name="Lease",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("source", models.CharField(max_length=100, unique=True)),
                ("holder", models.CharField(max_length=200)),
                ("token", models.CharField(max_length=40)),
                ("expires_at", models.FloatField()),
            ],
            options={
                "ordering": ("source",),
            },
        ),
        migrations.CreateModel(
            name="Source",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=100, unique=True)),
                ("origin", models.TextField(null=True)),
                ("revision_digest", models.CharField(default="", max_length=64)),
                ("revision_git", models.CharField(max_length=100, null=True)),
                ("revision_mount", models.CharField(max_length=100, null=True)),
                ("environment", models.CharField(max_length=100, null=True)),
                ("synced_at", models.DateTimeField(null=True)),
                ("outcome", models.CharField(default="", max_length=20)),
                ("message", models.TextField(default="")),
                ("holder", models.CharField(default="", max_length=200)),
                ("held_at", models.DateTimeField(null=True)),
                ("suspended_at", models.DateTimeField(null=True)),
                ("suspended_until", models.DateTimeField(null=True)),
                ("suspended_by", models.CharField(default="", max_length=200)),
                ("suspended_for", models.TextField(default="")),
            ],
            options={
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="InventoryEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200, unique=True)),
                ("row_id", models.BigIntegerField(db_index=True)),
                ("applied", models.TextField()),
                ("on_remove", models.CharField(max_length=10)),
                ("ignore", models.TextField(default="[]")),
                ("sensitive", models.TextField(default="[]")),
                ("protect", models.BooleanField(default=False)),
                ("path", models.TextField(default="")),
                ("retired", models.BooleanField(default=False)),
                ("frozen", models.BooleanField(default=False)),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="beatsync.source")),
            ],
            options={
                "verbose_name_plural": "inventory entries",
                "ordering": ("name",),
            },
        ),
        migrations.CreateModel(
            name="SyncRecord",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                ("revision_digest", models.CharField(default="", max_length=64)),
                ("revision_git", models.CharField(max_length=100, null=True)),
                ("revision_mount", models.CharField(max_length=100, null=True)),
                ("environment", models.CharField(max_length=100, null=True)),
                ("outcome", models.CharField(max_length=20)),
                ("summary", models.TextField(default="{}")),
                ("changes", models.TextField(default="[]")),
                ("message", models.TextField(default="")),
                ("actor", models.CharField(default="", max_length=200)),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="records", to="beatsync.source")),
            ],
            options={
                "ordering": ("-started_at", "-id"),
            },
        ),
        migrations.CreateModel(
            name="Tombstone",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("row_id", models.BigIntegerField()),
                ("deleted_at", models.DateTimeField()),
                ("source", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="tombstones", to="beatsync.source")),
            ],
            options={
                "ordering": ("deleted_at",),
            },
        ),
    ]
