import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("beatsync", "0009_syncrecord_run_url"),
    ]

    operations = [
        migrations.CreateModel(
            name="Pause",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("paused_by", models.CharField(max_length=200)),
                ("reason", models.TextField()),
                ("paused_at", models.DateTimeField()),
                ("paused_until", models.DateTimeField(null=True)),
                ("was_enabled", models.BooleanField()),
                (
                    "source",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="pauses",
                        to="beatsync.source",
                    ),
                ),
            ],
            options={"ordering": ("name",)},
        ),
        migrations.AddConstraint(
            model_name="pause", constraint=models.UniqueConstraint(fields=("name",), name="beatsync_pause_name")
        ),
    ]
