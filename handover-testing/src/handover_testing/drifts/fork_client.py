"""Has a child of a fork server run code: ``python -IS fork_client.py SOCKET -c CODE``.

It hands its standard input, output and error to the child, and ends as the child ends. Hundreds of systems of tests
start so, and most of their time would be imports: it needs only what is built into the interpreter.
"""

import _socket  # socket itself takes as long as the whole start
import marshal
import os
import sys

SIGKILL = 9


def run(address: str, code: str, descriptors: list[int], environment: dict[str, str]) -> bytes:
    """Let a child of the server run code on these descriptors; return its status, empty when it was killed."""
    request = marshal.dumps({"code": code, "folder": os.getcwd(), "environment": environment})  # noqa: PTH109
    handed = b"".join(number.to_bytes(4, sys.byteorder) for number in descriptors)
    connection = _socket.socket(_socket.AF_UNIX)
    try:
        connection.connect(address)
        connection.sendmsg([b"%10d" % len(request)], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, handed)])
        connection.sendall(request)
        return connection.recv(1)
    finally:
        connection.close()


def main(address: str, arguments: list[str]) -> None:
    """Let a child of the server run the code, and end like it."""
    status = run(address, arguments[1], [0, 1, 2], dict(os.environ))
    if not status:
        os.kill(os.getpid(), SIGKILL)  # as the child was
    sys.exit(status[0])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
