from django.db import migrations, models


class Migration(migrations.Migration):
    """Nullable, so that the release before can still insert records."""

    dependencies = [
        ("beatsync", "0008_source_timezone"),
    ]

    operations = [
        migrations.AddField(model_name="syncrecord", name="run_url", field=models.TextField(null=True)),
        migrations.AddField(model_name="syncrecord", name="repeats", field=models.IntegerField(null=True)),
    ]
