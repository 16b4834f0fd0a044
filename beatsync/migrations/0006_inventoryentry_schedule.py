from django.db import migrations, models


class Migration(migrations.Migration):
    """Nullable, so that the release before can still insert entries."""

    dependencies = [
        ("beatsync", "0005_plan_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="inventoryentry",
            name="schedule",
            field=models.CharField(max_length=200, null=True),
        ),
    ]
