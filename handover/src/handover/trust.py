"""Whom ``handover`` trusts when it asks over HTTPS."""

import ssl
from functools import cache


@cache
def trust() -> ssl.SSLContext:
    """Return the machine's certificates, or those that SSL_CERT_FILE names; read once, which takes 40 ms."""
    return ssl.create_default_context()
