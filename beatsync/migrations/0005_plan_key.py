import secrets

from django.db import migrations, models


def create_key(apps, schema_editor):
    """Create the key here, so that `plan` only reads it."""
    apps.get_model("beatsync", "ChecksumKey").objects.using(schema_editor.connection.alias).create(value=secrets.token_hex(32))


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0004_file_records"),
    ]

    operations = [
        migrations.CreateModel(
            name="ChecksumKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("value", models.CharField(max_length=64)),
            ],
        ),
        migrations.AddField(
            model_name="source",
            name="checksum",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.RunPython(create_key, migrations.RunPython.noop),
    ]
