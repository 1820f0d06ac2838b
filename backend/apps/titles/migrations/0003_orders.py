from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('titles', '0002_on_delete'),
    ]

    operations = [
        migrations.CreateModel(
            name='TitlePass',
            fields=[
                ('id', models.SmallIntegerField(primary_key=True, serialize=False)),
                ('began_at', models.DateTimeField()),
            ],
            options={
                'db_table': 'title_passes',
            },
        ),
        migrations.RemoveIndex(
            model_name='titledocument',
            name='title_documents_newest_idx',
        ),
        migrations.RemoveIndex(
            model_name='titledocument',
            name='title_documents_mark_idx',
        ),
        migrations.AddField(
            model_name='titledocument',
            name='difficulty',
            field=models.CharField(help_text='NULL in a document of an older version', max_length=20, null=True),
        ),
        migrations.AddField(
            model_name='titledocument',
            name='duration',
            field=models.FloatField(help_text='seconds; NULL in a document of an older version', null=True),
        ),
        migrations.AddIndex(
            model_name='titledocument',
            index=models.Index(fields=['user', '-created_at', '-choreography'], include=('difficulty',), name='title_documents_newest_idx'),
        ),
        migrations.AddIndex(
            model_name='titledocument',
            index=models.Index(fields=['user', 'title', 'choreography'], include=('difficulty',), name='title_documents_title_idx'),
        ),
        migrations.AddIndex(
            model_name='titledocument',
            index=models.Index(fields=['user', '-duration', '-choreography'], include=('difficulty',), name='title_documents_length_idx'),
        ),
        migrations.AddIndex(
            model_name='titledocument',
            index=models.Index(fields=['user', 'choreography', 'mark'], include=('difficulty', 'duration'), name='title_documents_mark_idx'),
        ),
    ]
