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
            name='Label',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('tag', 'Tag'), ('category', 'Category')], max_length=10)),
                ('name', models.CharField(help_text='as it was first typed', max_length=40)),
                ('key', models.TextField(help_text='by which two spellings are the same')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'db_table': 'labels',
                'ordering': ['key'],
            },
        ),
        migrations.CreateModel(
            name='Labelling',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('tag', 'Tag'), ('category', 'Category')], help_text="the label's", max_length=10)),
                ('created_at', models.DateTimeField(help_text="the choreography's: a list by label is in this order")),
                ('choreography', models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='choreography.savedchoreography')),
                ('label', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='labellings', to='labels.label')),
            ],
            options={
                'db_table': 'labellings',
            },
        ),
        migrations.AddConstraint(
            model_name='label',
            constraint=models.UniqueConstraint(fields=('user', 'kind', 'key'), name='labels_uniq'),
        ),
        migrations.AddIndex(
            model_name='labelling',
            index=models.Index(fields=['label', '-created_at', '-id'], name='labellings_newest_idx'),
        ),
        migrations.AddConstraint(
            model_name='labelling',
            constraint=models.UniqueConstraint(fields=('label', 'choreography'), name='labellings_uniq'),
        ),
        migrations.AddConstraint(
            model_name='labelling',
            constraint=models.UniqueConstraint(condition=models.Q(('kind', 'category')), fields=('choreography',), name='labellings_one_category'),
        ),
    ]
