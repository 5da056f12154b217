import django.contrib.postgres.fields
from django.db import migrations, models
from pgvector.django import VectorExtension


class PgvectorExtension(VectorExtension):
    """Creates the extension unless it is there, and never drops it: others may use it too."""

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        pass


class Migration(migrations.Migration):

    initial = True

    # What a checkout from before the first release has applied; 0002 renames its tables.
    replaces = [
        ('artsimilarity', '0001_pgvector'),
        ('artsimilarity', '0002_rollout'),
        ('artsimilarity', '0003_calibration'),
        ('artsimilarity', '0004_duplicatepair'),
        ('artsimilarity', '0005_searchanswer'),
        ('artsimilarity', '0006_similarityscale'),
    ]

    dependencies = [
    ]

    operations = [
        PgvectorExtension(),
        migrations.CreateModel(
            name='Rollout',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_label', models.CharField(max_length=200, unique=True, verbose_name='model')),
                ('fingerprint', models.CharField(max_length=64, verbose_name='new recipe')),
                ('state', models.CharField(choices=[('filling', 'embedding under the new recipe'), ('promoting', 'moving over to the new recipe'), ('promoted', 'finished')], default='filling', max_length=20, verbose_name='state')),
                ('started_at', models.DateTimeField(auto_now_add=True, verbose_name='started at')),
                ('promoted_at', models.DateTimeField(blank=True, null=True, verbose_name='finished at')),
            ],
            options={
                'verbose_name': 'roll-out',
                'verbose_name_plural': 'roll-outs',
            },
        ),
        migrations.CreateModel(
            name='SearchAnswer',
            fields=[
                ('id', models.UUIDField(primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True, verbose_name='created at')),
                ('vector', models.JSONField(null=True, verbose_name='vector')),
            ],
            options={
                'verbose_name': 'answer to a search by picture',
                'verbose_name_plural': 'answers to searches by picture',
            },
        ),
        migrations.CreateModel(
            name='Whitening',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sha256', models.CharField(max_length=64, unique=True)),
                ('data', models.BinaryField(verbose_name='safetensors file')),
                ('pictures', models.PositiveIntegerField(verbose_name='pictures that it was fitted on')),
                ('created_at', models.DateTimeField(auto_now_add=True, verbose_name='created at')),
            ],
            options={
                'verbose_name': 'whitening',
                'verbose_name_plural': 'whitenings',
            },
        ),
        migrations.CreateModel(
            name='DuplicatePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_label', models.CharField(max_length=200, verbose_name='model')),
                ('first', models.CharField(max_length=200, verbose_name='primary key of the first')),
                ('second', models.CharField(max_length=200, verbose_name='primary key of the second')),
                ('first_digest', models.CharField(max_length=64, verbose_name="sha256 of the first's file")),
                ('second_digest', models.CharField(max_length=64, verbose_name="sha256 of the second's file")),
                ('score', models.FloatField(verbose_name='score')),
                ('state', models.CharField(choices=[('found', 'found'), ('dismissed', 'not duplicates')], default='found', max_length=20, verbose_name='state')),
            ],
            options={
                'verbose_name': 'pair of duplicates',
                'verbose_name_plural': 'pairs of duplicates',
                'indexes': [models.Index(fields=['model_label', 'second'], name='artsimilarity_second')],
                'constraints': [models.UniqueConstraint(fields=('model_label', 'first', 'second'), name='artsimilarity_one_pair')],
            },
        ),
        migrations.CreateModel(
            name='ScoreCalibration',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('model_label', models.CharField(max_length=200, verbose_name='model')),
                ('fingerprint', models.CharField(max_length=64, verbose_name='recipe')),
                ('style_quantiles', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None, verbose_name='quantiles of style')),
                ('colour_quantiles', django.contrib.postgres.fields.ArrayField(base_field=models.FloatField(), size=None, verbose_name='quantiles of colour')),
                ('pictures', models.PositiveIntegerField(verbose_name='pictures that it was measured on')),
                ('pairs', models.PositiveIntegerField(verbose_name='pairs that it was measured on')),
                ('measured_at', models.DateTimeField(verbose_name='measured at')),
            ],
            options={
                'verbose_name': 'score calibration',
                'verbose_name_plural': 'score calibrations',
                'constraints': [models.UniqueConstraint(fields=('model_label', 'fingerprint'), name='artsimilarity_one_calibration')],
            },
        ),
    ]
