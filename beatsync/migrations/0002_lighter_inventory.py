import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("beatsync", "0001_initial"),
    ]

    # The constraint first: names are unique at every instant, where no transaction holds the three together too.
    operations = [
        migrations.AddConstraint(
            model_name="inventoryentry",
            constraint=models.UniqueConstraint(fields=("name",), name="beatsync_inventoryentry_name"),
        ),
        migrations.AlterField(
            model_name="inventoryentry",
            name="name",
            field=models.CharField(max_length=200),
        ),
        migrations.AlterField(
            model_name="inventoryentry",
            name="source",
            field=models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="entries", to="beatsync.source"),
        ),
    ]
