"""How many queries each request takes: the requests come as JSON, the numbers are printed as JSON.

Each is asked in this process and taken back. What begins and ends a transaction is not counted.
"""

import json
import logging
import re
import sys

from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

CONTROL = re.compile("(BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE)", re.IGNORECASE)


def main() -> None:
    logging.disable(logging.ERROR)
    client, counted = Client(), {}
    for name, request in json.load(sys.stdin).items():
        with transaction.atomic():
            with CaptureQueriesContext(connection) as captured:
                answer = client.generic(
                    request["method"],
                    request["path"],
                    request["body"],
                    content_type="application/json",
                    headers=request["headers"],
                )
                if answer.streaming:
                    answer.getvalue()
            transaction.set_rollback(True)
        if answer.status_code >= 400 and answer.status_code != request["refused"]:  # noqa: PLR2004 - the statuses of errors begin here
            raise SystemExit(f"bench api: {name} answers {answer.status_code}: {answer.content.decode()[:300]}")
        counted[name] = sum(not CONTROL.match(query["sql"]) for query in captured)
    print(json.dumps(counted))


if __name__ == "__main__":
    main()
