from django.db import migrations

_RENAMED = (
    ("artsimilarity_calibration", "artsimilarity_whitening"),
    ("artsimilarity_similarityscale", "artsimilarity_scorecalibration"),
)


class Migration(migrations.Migration):
    """Renames the tables of databases that a checkout from before the first release has made.

    There the six migrations that ``0001_initial`` replaces were applied; elsewhere nothing is done.
    """

    dependencies = [("artsimilarity", "0001_initial")]

    operations = [
        migrations.RunSQL(
            f"ALTER TABLE IF EXISTS {old} RENAME TO {new}", reverse_sql=migrations.RunSQL.noop
        )
        for old, new in _RENAMED
    ]
