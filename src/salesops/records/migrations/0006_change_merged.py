from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0005_source_id_digest'),
    ]

    operations = [
        migrations.AddIndex(
            model_name='change',
            index=models.Index(condition=models.Q(('field', 'merged_into')), fields=['entity', 'record'], name='change_merged'),
        ),
    ]
