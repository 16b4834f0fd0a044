from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0006_inventoryentry_schedule"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="timezone",
            field=models.CharField(max_length=63, null=True),
        ),
    ]
