"""The shapes: what kinds of project a pair may be."""

# ruff: noqa: E501 - statements and rows of a table are read best on one line

from dataclasses import dataclass

from handover_testing.drifts.projects import Model, Project, f

KEY = f("BigAutoField", primary_key="True")
USER = "settings.AUTH_USER_MODEL"


@dataclass(frozen=True)
class Shape:
    """A pair in its clean state: one project, and SQL for a few rows of each table."""

    name: str
    project: Project
    rows: str
    prepare: str = ""

    def pair(self) -> tuple[Project, Project]:
        """Return original and backend; the backend keeps its app elsewhere, under the same label."""
        backend = self.project.copy()
        backend.package = f"apps.{self.project.label}"
        return self.project.copy(), backend


def _model(name: str, table: str, fields: dict, base: str = "models.Model", **meta: str) -> Model:
    return Model(name, fields, {"db_table": repr(table), **meta}, base)


SHOP = Shape(
    "auth_user",
    Project(
        "shop",
        {
            m.name: m
            for m in (
                _model(
                    "Customer",
                    "shop_customers",
                    {
                        "id": KEY,
                        "user": f("OneToOneField", USER, on_delete="models.CASCADE", related_name="'customer'"),
                        "phone": f("CharField", max_length="30", blank="True", default="''"),
                        "level": f(
                            "CharField",
                            max_length="10",
                            choices="[('basic', 'Basic'), ('gold', 'Gold')]",
                            default="'basic'",
                        ),
                        "notes": f("TextField", null="True", blank="True"),
                    },
                    ordering="['id']",
                ),
                _model(
                    "Order",
                    "shop_orders",
                    {
                        "id": KEY,
                        "number": f(
                            "CharField", max_length="20", unique="True", validators="[RegexValidator('^[A-Z0-9]+$')]"
                        ),
                        "customer": f("ForeignKey", "'Customer'", on_delete="models.PROTECT", related_name="'orders'"),
                        "status": f(
                            "CharField",
                            max_length="12",
                            choices="[('new', 'New'), ('paid', 'Paid'), ('sent', 'Sent')]",
                            default="'new'",
                            db_index="True",
                        ),
                        "total": f("DecimalField", max_digits="10", decimal_places="2"),
                        "items": f("PositiveIntegerField", default="1", validators="[MaxValueValidator(100)]"),
                        "paid": f("BooleanField", default="False"),
                        "placed_at": f("DateTimeField", auto_now_add="True"),
                        "changed_at": f("DateTimeField", auto_now="True"),
                        "due_on": f("DateField", null="True", blank="True"),
                        "invoice": f("FileField", upload_to="'invoices/%Y/'", max_length="200", blank="True"),
                    },
                    ordering="['-placed_at']",
                    indexes="[models.Index(fields=['customer', 'status'], name='shop_customer_status_idx')]",
                    constraints="[models.CheckConstraint(**{CHECK: models.Q(total__gte=0)}, name='shop_total_positive')]",
                    permissions="[('refund_order', 'Can refund an order')]",
                ),
            )
        },
        preamble=(
            "import django\n\n# The name of the argument changed with Django 5.1.\n"
            "CHECK = 'condition' if django.VERSION >= (5, 1) else 'check'"
        ),
    ),
    """
    INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
    SELECT 'x', false, 'u' || n, '', '', 'u' || n || '@example.org', false, true, now() FROM generate_series(1, 5) n;
    INSERT INTO shop_customers (user_id, phone, level, notes) SELECT id, '', 'basic', NULL FROM auth_user;
    INSERT INTO shop_orders (number, customer_id, status, total, items, paid, placed_at, changed_at, due_on, invoice)
    SELECT 'A' || id, id, 'new', 10, 1, false, now(), now(), NULL, '' FROM shop_customers;
    """,
)

LIBRARY = Shape(
    "inheritance",
    Project(
        "library",
        {
            m.name: m
            for m in (
                _model(
                    "Work",
                    "library_works",
                    {
                        "id": KEY,
                        "title": f("CharField", max_length="200", db_index="True"),
                        "parent": f(
                            "ForeignKey",
                            "'self'",
                            on_delete="models.SET_NULL",
                            null="True",
                            blank="True",
                            related_name="'parts'",
                        ),
                        "added_by": f("ForeignKey", USER, on_delete="models.CASCADE", related_name="'works'"),
                    },
                ),
                _model(
                    "Book",
                    "library_books",
                    {
                        "isbn": f("CharField", max_length="13", unique="True"),
                        "pages": f("PositiveSmallIntegerField", default="0"),
                        "language": f("CharField", max_length="2", choices="[('en', 'English'), ('es', 'Español')]"),
                    },
                    base="Work",
                ),
                _model(
                    "Reader",
                    "library_readers",
                    {
                        "id": KEY,
                        "name": f("CharField", max_length="80"),
                        "books": f("ManyToManyField", "'Book'", through="'Loan'", related_name="'readers'"),
                        "friends": f("ManyToManyField", "'self'", blank="True"),
                        "favourites": f("ManyToManyField", "'Work'", related_name="'fans'", blank="True"),
                    },
                ),
                _model(
                    "Loan",
                    "library_loans",
                    {
                        "id": KEY,
                        "reader": f("ForeignKey", "'Reader'", on_delete="models.CASCADE", related_name="'loans'"),
                        "book": f("ForeignKey", "'Book'", on_delete="models.PROTECT", related_name="'loans'"),
                        "lent_at": f("DateTimeField", default="timezone.now"),
                        "returned_at": f("DateTimeField", null="True", blank="True"),
                        "fine": f("DecimalField", max_digits="6", decimal_places="2", default="0"),
                    },
                    ordering="['-lent_at', 'id']",
                    unique_together="[('reader', 'book', 'lent_at')]",
                ),
            )
        },
    ),
    """
    INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined)
    SELECT 'x', false, 'u' || n, '', '', 'u' || n || '@example.org', false, true, now() FROM generate_series(1, 3) n;
    INSERT INTO library_works (title, added_by_id) SELECT 'w' || id, id FROM auth_user;
    INSERT INTO library_books (work_ptr_id, isbn, pages, language) SELECT id, 'i' || id, 10, 'en' FROM library_works;
    INSERT INTO library_readers (name) VALUES ('a'), ('b');
    INSERT INTO library_loans (reader_id, book_id, lent_at, fine)
    SELECT r.id, b.work_ptr_id, now(), 0 FROM library_readers r, library_books b;
    """,
)

LAB = Shape(
    "arrays_and_ranges",
    Project(
        "lab",
        {
            m.name: m
            for m in (
                _model(
                    "Sample",
                    "lab_samples",
                    {
                        "id": f("UUIDField", primary_key="True", default="uuid.uuid4", editable="False"),
                        "code": f("SlugField", max_length="40", unique="True"),
                        "tags": f(
                            "postgres.ArrayField", "models.CharField(max_length=20)", default="list", blank="True"
                        ),
                        "facts": f("JSONField", default="dict", blank="True"),
                        "extra": f("JSONField", null="True", blank="True"),
                        "valid": f("ranges.DateTimeRangeField", null="True", blank="True"),
                        "weight": f("FloatField", null="True", blank="True"),
                        "count": f("BigIntegerField", default="0"),
                        "taken_at": f("DateTimeField", db_index="True"),
                        "kept_for": f("DurationField", default="make_period"),
                        "image": f("ImageField", upload_to="folder_of", max_length="300", null="True", blank="True"),
                        "archived": f("BooleanField", default="False"),
                        "owner_address": f("GenericIPAddressField", null="True", blank="True"),
                    },
                    indexes=(
                        "[GinIndex(fields=['facts'], name='lab_facts_gin'), "
                        "models.Index(fields=['taken_at'], condition=models.Q(archived=False), name='lab_live_idx'), "
                        "models.Index(Lower('code'), name='lab_lower_code_idx')]"
                    ),
                    constraints=(
                        "[models.UniqueConstraint(fields=['taken_at'], condition=models.Q(archived=True), "
                        "name='lab_archived_once')]"
                    ),
                ),
                _model(
                    "Measure",
                    'lab"."measures',
                    {
                        "id": f("AutoField", primary_key="True"),
                        "sample": f("ForeignKey", "'Sample'", on_delete="models.CASCADE", related_name="'measures'"),
                        "kind": f("SmallIntegerField", choices="[(1, 'mass'), (2, 'length')]", default="1"),
                        "value": f("FloatField"),
                        "made_at": f("TimeField", null="True"),
                    },
                    unique_together="[('sample', 'kind')]",
                ),
            )
        },
        preamble=(
            "from django.contrib.postgres import fields as postgres\nfrom django.contrib.postgres.fields import ranges\n"
            "from django.contrib.postgres.indexes import GinIndex\nfrom django.db.models.functions import Lower\n\n\n"
            "def make_period():\n    return datetime.timedelta(days=30)\n\n\n"
            "def folder_of(instance, name):\n    return f'images/{instance.pk}/{name}'"
        ),
        apps=("django.contrib.postgres",),
        settings={"SILENCED_SYSTEM_CHECKS": "['fields.E210']"},
    ),
    """
    INSERT INTO lab_samples (id, code, tags, facts, weight, count, taken_at, kept_for, image, archived)
    SELECT gen_random_uuid(), 's' || n, '{a}', '{"a": 1}', 1.5, n, now() + n * interval '1 s', interval '30 days', NULL, false
      FROM generate_series(1, 4) n;
    INSERT INTO lab.measures (sample_id, kind, value) SELECT id, 1, 2.5 FROM lab_samples;
    """,
    prepare="CREATE SCHEMA lab",
)

DANCE = Shape(
    "custom_user",
    Project(
        "dance",
        {
            m.name: m
            for m in (
                _model(
                    "Dancer",
                    "dancers",
                    {
                        "id": KEY,
                        "display_name": f("CharField", max_length="200", blank="True"),
                        "is_teacher": f("BooleanField", default="False"),
                        "preferences": f("JSONField", default="dict", blank="True"),
                    },
                    base="AbstractUser",
                ),
                _model(
                    "Task",
                    "dance_tasks",
                    {
                        "task_id": f("CharField", max_length="36", primary_key="True"),
                        "user": f("ForeignKey", USER, on_delete="models.CASCADE", related_name="'tasks'"),
                        "status": f(
                            "CharField",
                            max_length="20",
                            choices="[('started', 'Started'), ('running', 'Running'), ('completed', 'Completed')]",
                            default="'started'",
                            db_index="True",
                        ),
                        "progress": f("IntegerField", default="0"),
                        "result": f("JSONField", null="True", blank="True"),
                        "error": f("TextField", null="True", blank="True"),
                        "created_at": f("DateTimeField", auto_now_add="True", db_index="True"),
                    },
                    ordering="['-created_at']",
                    indexes="[models.Index(fields=['user', 'status'], name='dance_user_status_idx')]",
                ),
                _model(
                    "Video",
                    "dance_videos",
                    {
                        "id": f("UUIDField", primary_key="True", default="uuid.uuid4"),
                        "user": f("ForeignKey", USER, on_delete="models.CASCADE", related_name="'videos'"),
                        "title": f("CharField", max_length="200"),
                        "path": f("FileField", upload_to="'videos/%Y/%m/'", max_length="500"),
                        "level": f("CharField", max_length="20", choices="[('easy', 'Easy'), ('hard', 'Hard')]"),
                        "duration": f("FloatField"),
                    },
                ),
            )
        },
        preamble="from django.contrib.auth.models import AbstractUser",
        settings={"AUTH_USER_MODEL": "'dance.Dancer'"},
    ),
    """
    INSERT INTO dancers (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, date_joined,
                         display_name, is_teacher, preferences)
    SELECT 'x', false, 'u' || n, '', '', 'u' || n || '@example.org', false, true, now(), '', false, '{}'
      FROM generate_series(1, 4) n;
    INSERT INTO dance_tasks (task_id, user_id, status, progress, created_at)
    SELECT gen_random_uuid()::text, id, 'started', 0, now() FROM dancers;
    INSERT INTO dance_videos (id, user_id, title, path, level, duration)
    SELECT gen_random_uuid(), id, 't', 'videos/there.mp4', 'easy', 3.5 FROM dancers;
    """,
)

SHAPES = (SHOP, LIBRARY, LAB, DANCE)
