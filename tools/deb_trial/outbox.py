"""Prints the events of one type that wait in the outbox, oldest first, a line of JSON each.

outbox.py TYPE, such as call.raised
"""

import sqlite3
import sys

outbox = sqlite3.connect("file:/var/lib/nodkald/outbox.db?mode=ro", uri=True)
query = "SELECT body FROM events WHERE type = ? ORDER BY sequence"
for (body,) in outbox.execute(query, (f"dk.nodkald.{sys.argv[1]}",)):
    print(body)
