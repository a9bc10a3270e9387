import salesops.records.models.fields
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0002_stage_event_line'),
    ]

    operations = [
        migrations.AddField(
            model_name='pricebook',
            name='standard',
            field=salesops.records.models.fields.FlagColumn(blank=True, help_text='The list that counts where several have a price for a product in one currency', null=True),
        ),
    ]
