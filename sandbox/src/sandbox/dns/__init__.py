"""DNS on this machine: an authoritative server that takes signed updates.

``nameserver.NameServer`` is ours and fails on demand, ``bind.Bind9`` is Debian's; for all other code they are one
``authority.Authority``. Nothing is imported here: the server's own process starts without what only its owner needs.
"""
