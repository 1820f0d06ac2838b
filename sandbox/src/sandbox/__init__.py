"""The cloud on one machine: PostgreSQL, a bucket, search, name servers, both systems, and people who use them."""
