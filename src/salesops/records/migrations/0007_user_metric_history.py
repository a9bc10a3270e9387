from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('records', '0006_change_merged'),
    ]

    operations = [
        migrations.AddField(
            model_name='usermetric',
            name='digest',
            field=models.TextField(default=''),
        ),
        migrations.AddField(
            model_name='usermetric',
            name='ended',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='usermetric',
            name='ended_by',
            field=models.TextField(default=''),
        ),
        migrations.AlterField(
            model_name='usermetric',
            name='name',
            field=models.TextField(db_index=True),
        ),
        migrations.AddConstraint(
            model_name='usermetric',
            constraint=models.UniqueConstraint(condition=models.Q(('ended__isnull', True)), fields=('name',), name='user_metric_current'),
        ),
    ]
