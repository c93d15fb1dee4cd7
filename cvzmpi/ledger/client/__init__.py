"""A running job's connection to the ledger: who writes to the database, and when.

Rank 0 alone writes, in one thread of its own, the `JobWriter`. Whoever schedules only tells it what
happened. Four times a second that thread records everything it was told in one transaction, and
with it a sign of life (`liveness`); when few claimed units wait, it claims more. Every two seconds
it looks at the other jobs, and takes over the units of those that are dead (`takeover`).

While the database is away, events go to a file (`outbox`), the claimed units are worked on, and the
database is tried again with longer and longer pauses (`waiting`). Once it is back, all events are
delivered, each once. What a job could not deliver when it ended, the job that takes over delivers.
"""
