from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0007_application_sets"),
    ]

    operations = [
        migrations.AddField(
            model_name="source",
            name="timezone",
            field=models.CharField(max_length=63, null=True),
        ),
    ]
