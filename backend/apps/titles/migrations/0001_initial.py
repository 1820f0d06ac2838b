import django.contrib.postgres.fields
import django.contrib.postgres.indexes
import django.contrib.postgres.search
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('choreography', '0002_choreographytask_job_execution_name'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='TitleDocument',
            fields=[
                ('choreography', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to='choreography.savedchoreography')),
                ('title', models.CharField(max_length=200)),
                ('song', models.TextField(null=True)),
                ('created_at', models.DateTimeField(help_text="the choreography's")),
                ('mark', models.BigIntegerField(help_text='a hash of title, song and created_at')),
                ('words', django.contrib.postgres.search.SearchVectorField(help_text='each with its owner before it: a search meets no word of another user')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'title_documents',
                'indexes': [models.Index(fields=['user', '-created_at', '-choreography'], name='title_documents_newest_idx'), models.Index(fields=['user', 'choreography', 'mark'], name='title_documents_mark_idx'), django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['words'], name='title_documents_words_idx')],
            },
        ),
        migrations.CreateModel(
            name='TitleWord',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('word', models.CharField(max_length=40)),
                ('trigrams', django.contrib.postgres.fields.ArrayField(base_field=models.TextField(), help_text='each with its owner before it', size=None)),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'title_words',
                'indexes': [django.contrib.postgres.indexes.GinIndex(fastupdate=False, fields=['trigrams'], name='title_words_trigrams_idx')],
                'constraints': [models.UniqueConstraint(fields=('user', 'word'), name='title_words_uniq')],
            },
        ),
    ]
