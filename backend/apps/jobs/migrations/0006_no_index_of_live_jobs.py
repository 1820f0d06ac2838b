"""Without the index of the live jobs, those of the waiting and of the taken ones are used.

The statistics of the table are mostly taken when few jobs live. PostgreSQL then took the index of all live jobs for as
good as that of one user's waiting jobs, and read all of them for each of the 100 users before one in the line.
"""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("jobs", "0005_hearing_and_variety")]

    operations = [migrations.RemoveIndex(model_name="job", name="jobs_live_idx")]
