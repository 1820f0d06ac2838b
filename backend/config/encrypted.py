"""Why the database was not reached over TLS: what is, what was expected, and what to do."""

import re

# What libpq says, what that means, and what helps; the first that matches counts.
FAULTS = (
    (
        r'server certificate for "([^"]*)".* does not match host name "([^"]*)"',
        "its certificate is for {0}, and DATABASE_URL names {1}",
        "Name the host as the certificate does, or have one issued for {1}; sslmode=verify-ca compares no name",
    ),
    (
        r"certificate verify failed",
        "its certificate is not of the authority that sslrootcert names, or has run out",
        "Let sslrootcert name the file of the server's authority, or renew the certificate",
    ),
    (
        r'root certificate file "([^"]*)" does not exist|could not read root certificate file "([^"]*)"',
        "the file of its authority, {0}, is not there or is no certificate",
        "Put the authority's certificate there, or name another file with sslrootcert",
    ),
    (
        r"server does not support SSL",
        "it does not offer TLS, which DATABASE_URL asks for",
        "Switch TLS on in the server (ssl = on), or correct the host and the port",
    ),
    (
        r"pg_hba\.conf (?:entry|rejects connection) for (.+), no encryption",
        "it admits no such connection without TLS ({0})",
        "Put sslmode=verify-full and sslrootcert into DATABASE_URL, or add a line to the server's pg_hba.conf",
    ),
)


def fault_told(error: BaseException) -> str | None:
    """Return the fault in plain words; None if it is another than one of TLS."""
    for said, means, helps in FAULTS:
        if found := re.search(said, str(error)):
            names = [name for name in found.groups() if name] or [""]
            return f"The database was not reached: {means.format(*names)}. {helps.format(*names)}."
    return None
