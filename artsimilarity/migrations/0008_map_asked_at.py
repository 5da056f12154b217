from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('artsimilarity', '0007_map'),
    ]

    operations = [
        migrations.AddField(
            model_name='picturemap',
            name='asked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='a sweep asked to make it anew at'),
        ),
    ]
