import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0006_inventoryentry_schedule"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="kind",
            field=models.CharField(max_length=20, null=True),
        ),
        migrations.CreateModel(
            name="PendingWrite",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("names", models.TextField()),
                ("written_at", models.DateTimeField()),
                ("notified", models.BooleanField(default=False)),
                ("source", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="pending_writes", to="beatsync.source")),
            ],
            options={
                "ordering": ("id",),
            },
        ),
        migrations.CreateModel(
            name="OneOff",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=200)),
                ("remove_at", models.DateTimeField(db_index=True)),
                ("keep_seconds", models.BigIntegerField()),
                ("source", models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="one_offs", to="beatsync.source")),
            ],
            options={
                "ordering": ("name",),
                "constraints": [models.UniqueConstraint(fields=("name",), name="beatsync_oneoff_name")],
            },
        ),
    ]
