import artsimilarity.schema.fields
import pgvector.django.indexes
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('library', '0001_initial'),
    ]

    operations = [
        migrations.RemoveIndex('artwork', name='library_artw_6432470e_sign'),
        migrations.RenameField('artwork', 'embedding_signature', 'embedding_copy_descriptor'),
        migrations.AlterField(
            model_name='artwork',
            name='embedding_copy_descriptor',
            field=artsimilarity.schema.fields.CopyDescriptorField(dimensions=256, null=True, verbose_name='descriptor by which copies are found'),
        ),
        migrations.AddIndex(
            model_name='artwork',
            index=pgvector.django.indexes.HnswIndex(fields=['embedding_copy_descriptor'], name='library_artw_6432470e_copy', opclasses=['halfvec_ip_ops']),
        ),
    ]
