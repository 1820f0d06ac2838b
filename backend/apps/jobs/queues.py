"""The queues: what each worker does, unless it is told to serve some of them alone (`manage.py worker --queue`).

Choreographies go first: people wait for them. Shares of an ingest and chores give way to them, for GIVE_WAY_S at most.
Messages to webhooks are sent beside, by threads of their own, and wait for nothing.
"""

GENERATE = "generate"
INGEST = "ingest"
WEBHOOKS = "webhooks"
CHORES = "chores"
QUEUES = (GENERATE, WEBHOOKS, INGEST, CHORES)
# The highest goes first, the oldest of those first. GIVES_WAY becomes FIRST when a call has waited for GIVE_WAY_S.
FIRST, GIVES_WAY = 0, -1
