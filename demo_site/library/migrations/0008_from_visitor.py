from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('library', '0007_century_index'),
    ]

    operations = [
        migrations.AddField(
            model_name='artwork',
            name='from_visitor',
            field=models.BooleanField(db_default=False, default=False, editable=False, verbose_name='added by a visitor'),
        ),
    ]
