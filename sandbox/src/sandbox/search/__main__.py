"""``python -m sandbox.search [PORT]``: serve until interrupted; the address is the first line of the output."""

import signal
import sys
from contextlib import suppress

from sandbox.search import SearchServer

if __name__ == "__main__":
    with SearchServer(int(sys.argv[1]) if len(sys.argv) > 1 else 9200) as server:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        with suppress(KeyboardInterrupt):
            signal.pause()
