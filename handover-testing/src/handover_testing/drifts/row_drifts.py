"""Drifts of rows: what an old production holds and no model says."""

# ruff: noqa: E501, S608 - statements and rows of a table are read best on one line

from collections.abc import Iterator

from handover.finding import Severity
from handover_testing.drifts.drift import Drift
from handover_testing.drifts.shapes import DANCE, LAB, LIBRARY, SHOP, Shape


def drifts() -> Iterator[Drift]:
    """Yield every kind of untidy row."""
    for shape, code, place, severity, sql in _ROWS:
        yield Drift(f"{shape.name} row: {sql[:90]}", "data", shape.name, code, place, severity, sql=sql)


_LOOSE = "SET session_replication_role = replica; "
_ROWS: tuple[tuple[Shape, str, str, Severity, str], ...] = (
    (SHOP, "HO220", "shop_orders.status", "risky", "UPDATE shop_orders SET status = 'lost' WHERE number = 'A1'"),
    (SHOP, "HO220", "shop_customers.level", "risky", "UPDATE shop_customers SET level = 'GOLD'"),
    (LIBRARY, "HO220", "library_books.language", "risky", "UPDATE library_books SET language = 'fr'"),
    (LAB, "HO220", "measures.kind", "risky", "UPDATE lab.measures SET kind = 7"),
    (DANCE, "HO220", "dance_tasks.status", "risky", "UPDATE dance_tasks SET status = 'pending'"),
    (DANCE, "HO220", "dance_videos.level", "risky", "UPDATE dance_videos SET level = ''"),
    (SHOP, "HO221", "shop_orders.total", "risky",
     "ALTER TABLE shop_orders DROP CONSTRAINT shop_total_positive; UPDATE shop_orders SET total = 'NaN' WHERE number = 'A2'"),
    (LAB, "HO221", "lab_samples.weight", "risky", "UPDATE lab_samples SET weight = 'Infinity'"),
    (LAB, "HO221", "measures.value", "risky", "UPDATE lab.measures SET value = '-Infinity'"),
    (DANCE, "HO221", "dance_videos.duration", "risky", "UPDATE dance_videos SET duration = 'NaN'"),
    (LAB, "HO222", "lab_samples.extra", "risky", "UPDATE lab_samples SET extra = 'null'"),
    (LAB, "HO222", "lab_samples.facts", "risky", "UPDATE lab_samples SET facts = 'null'"),
    (DANCE, "HO222", "dancers.preferences", "risky", "UPDATE dancers SET preferences = 'null' WHERE username = 'u1'"),
    (DANCE, "HO222", "dance_tasks.result", "risky", "UPDATE dance_tasks SET result = 'null'"),
    (DANCE, "HO223", "dance_videos.path", "risky", "UPDATE dance_videos SET path = ''"),
    (DANCE, "HO224", "dance_videos.path", "risky", "UPDATE dance_videos SET path = 'videos/gone.mp4'"),
    (SHOP, "HO224", "shop_orders.invoice", "risky", "UPDATE shop_orders SET invoice = 'gone.pdf' WHERE number = 'A3'"),
    (DANCE, "HO225", "dance_videos.path", "risky", "UPDATE dance_videos SET path = '/home/old/there.mp4'"),
    (DANCE, "HO225", "dance_videos.path", "risky", "UPDATE dance_videos SET path = 'C:\\videos\\there.mp4'"),
    (LAB, "HO225", "lab_samples.image", "risky", "UPDATE lab_samples SET image = '/tmp/x.png'"),
    (DANCE, "HO226", "dancers.email", "risky", "UPDATE dancers SET email = 'U1@example.org' WHERE username = 'u2'"),
    (SHOP, "HO226", "auth_user.email", "risky", "UPDATE auth_user SET email = 'u1@example.org' WHERE username = 'u2'"),
    (DANCE, "HO227", "dancers.email", "risky", "UPDATE dancers SET email = 'Ana@Example.org' WHERE username = 'u3'"),
    (DANCE, "HO228", "dance_tasks.task_id", "risky", "UPDATE dance_tasks SET task_id = 'task seven' WHERE task_id = (SELECT min(task_id) FROM dance_tasks)"),
    (SHOP, "HO229", "shop_orders.customer_id", "breaking", _LOOSE + "UPDATE shop_orders SET customer_id = 999 WHERE number = 'A1'"),
    (LIBRARY, "HO229", "library_loans.reader_id", "breaking", _LOOSE + "DELETE FROM library_readers WHERE name = 'a'"),
    (LIBRARY, "HO229", "library_books.work_ptr_id", "breaking", _LOOSE + "DELETE FROM library_works"),
    (LAB, "HO229", "measures.sample_id", "breaking", _LOOSE + "UPDATE lab.measures SET sample_id = gen_random_uuid()"),
    (DANCE, "HO229", "dance_tasks.user_id", "breaking", _LOOSE + "DELETE FROM dancers WHERE username = 'u4'"),
    (SHOP, "HO230", "shop_orders.number", "breaking",
     "ALTER TABLE shop_orders ALTER number TYPE text; UPDATE shop_orders SET number = repeat('A', 30) WHERE number = 'A1'"),
    (SHOP, "HO231", "shop_orders.total", "breaking",
     "ALTER TABLE shop_orders ALTER total DROP NOT NULL; UPDATE shop_orders SET total = NULL"),
    (DANCE, "HO231", "dance_videos.title", "breaking",
     "ALTER TABLE dance_videos ALTER title DROP NOT NULL; UPDATE dance_videos SET title = NULL"),
    (SHOP, "HO232", "shop_orders.placed_at", "breaking", "UPDATE shop_orders SET placed_at = 'infinity'"),
    (SHOP, "HO232", "shop_orders.due_on", "breaking", "UPDATE shop_orders SET due_on = '-infinity'"),
    (LAB, "HO232", "lab_samples.taken_at", "breaking", "UPDATE lab_samples SET taken_at = '0044-03-15 BC' WHERE code = 's1'"),
    (LIBRARY, "HO232", "library_loans.returned_at", "breaking", "UPDATE library_loans SET returned_at = '12000-01-01'"),
    (LAB, "HO232", "lab_samples.kept_for", "breaking", "UPDATE lab_samples SET kept_for = '9999999 years' WHERE code = 's1'"),
    (LAB, "HO232", "lab_samples.kept_for", "breaking", "UPDATE lab_samples SET kept_for = '-1000000000 days' WHERE code = 's1'"),
    (LAB, "HO232", "measures.made_at", "breaking", "UPDATE lab.measures SET made_at = '24:00'"),
    (SHOP, "HO234", "shop_orders.items", "breaking",
     "ALTER TABLE shop_orders DROP CONSTRAINT shop_orders_items_check; UPDATE shop_orders SET items = -3"),
    (DANCE, "HO235", "dancers.id", "breaking", "SELECT setval('dancers_id_seq', 3)"),
    (SHOP, "HO235", "auth_user.id", "breaking", "ALTER TABLE auth_user ALTER id RESTART WITH 5"),
    (LAB, "HO235", "measures.id", "breaking", "SELECT setval('lab.measures_id_seq', 1, false)"),
    (LIBRARY, "HO235", "library_readers.id", "breaking",
     "CREATE SEQUENCE by_hand; GRANT ALL ON by_hand TO PUBLIC; "
     "ALTER TABLE library_readers ALTER id DROP IDENTITY, ALTER id SET DEFAULT nextval('by_hand')"),
    (SHOP, "HO235", "shop_orders.id", "breaking",
     "ALTER TABLE shop_orders ALTER id DROP IDENTITY; CREATE SEQUENCE down INCREMENT -1 MAXVALUE 9 START 3; "
     "GRANT ALL ON down TO PUBLIC; ALTER TABLE shop_orders ALTER id SET DEFAULT nextval('down')"),
    (DANCE, "HO236", "django_content_type.id", "breaking", "SELECT setval('django_content_type_id_seq', 2147483647)"),
    (DANCE, "HO236", "dancers.id", "breaking", "SELECT setval('dancers_id_seq', 9223372036854775807)"),
    (DANCE, "HO236", "dancers.id", "risky", "SELECT setval('dancers_id_seq', 9223372036854775000)"),
    (SHOP, "HO236", "auth_user.id", "risky", "ALTER TABLE auth_user ALTER id SET MAXVALUE 20 RESTART WITH 20"),
    (LIBRARY, "HO236", "library_readers.id", "breaking",
     "CREATE SEQUENCE wide AS bigint; GRANT ALL ON wide TO PUBLIC; SELECT setval('wide', 3000000000); "
     "ALTER TABLE library_readers ALTER id DROP IDENTITY, ALTER id TYPE int, ALTER id SET DEFAULT nextval('wide')"),
    (SHOP, "HO240", "shop_orders", "unseen", _LOOSE + "DELETE FROM shop_orders"),
    (DANCE, "HO240", "dance_videos", "unseen", "DELETE FROM dance_videos"),
)  # fmt: skip
