from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("beatsync", "0010_pause"),
    ]

    operations = [
        migrations.AddField(
            model_name="inventoryentry",
            name="operator_fields",
            field=models.TextField(null=True),
        ),
    ]
