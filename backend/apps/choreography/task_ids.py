"""The UUID of a task's id.

In Phase 1 an id is any text of up to 36 characters; in Phase 2 it is a UUID. A canonical UUID is its own. Every other
text has one of version 3 (RFC 9562: MD5) in a namespace of ours, so an old address finds its task without any table.
"""

import re
import uuid
from collections.abc import Iterable

# Never changed: the ids that were mapped are in the database. Its bytes are a text, because PostgreSQL's md5() of a
# text is immutable; of other bytes it would need convert_to(), which is not.
NAMESPACE_TEXT = "compas task id: "
NAMESPACE = uuid.UUID(bytes=NAMESPACE_TEXT.encode())
MAPPED_VERSION = 3
# Capital letters are not canonical: as texts, two spellings are two ids.
CANONICAL = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def uuid_of(task_id: str) -> uuid.UUID:
    """Return the UUID of an id; the same as :func:`uuid_in_sql`."""
    return uuid.UUID(task_id) if re.fullmatch(CANONICAL, task_id) else uuid.uuid3(NAMESPACE, task_id)


def spellings_of(task_id: str, *, among: Iterable[str]) -> list[str]:
    """Return the texts under which the two phases know this id; ``among`` are the ids in which an old one may be."""
    mapped = uuid_of(task_id)
    if str(mapped) != task_id:
        return [task_id, str(mapped)]
    # Phase 2 told this id. After a way back, or beside a server of Phase 1, the row has the old one.
    olds = among if mapped.version == MAPPED_VERSION else ()
    return [task_id, *(old for old in olds if old != task_id and uuid_of(old) == mapped)]


def uuid_in_sql(text: str) -> str:
    """Return SQL for the UUID of an id; ``text`` is SQL for its text."""
    digest = f"md5('{NAMESPACE_TEXT}' || {text})"
    # The digit after the version holds the variant in its two upper bits.
    variant = f"translate(substr({digest}, 17, 1), '0123456789abcdef', '89ab89ab89ab89ab')"
    mapped = f"overlay(overlay({digest} placing '{MAPPED_VERSION}' from 13) placing {variant} from 17)::uuid"
    return f"CASE WHEN {text} ~ '^{CANONICAL}$' THEN {text}::uuid ELSE {mapped} END"
