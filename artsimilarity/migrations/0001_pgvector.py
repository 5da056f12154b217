from django.db import migrations
from pgvector.django import VectorExtension


class PgvectorExtension(VectorExtension):
    """Creates the extension unless it is there, and never drops it: others may use it too."""

    def database_backwards(self, app_label, schema_editor, from_state, to_state):
        pass


class Migration(migrations.Migration):
    initial = True

    dependencies = []

    operations = [PgvectorExtension()]
