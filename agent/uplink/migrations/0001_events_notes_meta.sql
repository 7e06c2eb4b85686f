-- Events that the response centre has not acknowledged. `sequence` is not made unique: what a rescue brings
-- back must never be refused. `size` is what an event counts for towards the outbox's limit.
CREATE TABLE events (
  event_id TEXT NOT NULL PRIMARY KEY,
  sequence TEXT NOT NULL,
  is_call  INTEGER NOT NULL CHECK (is_call IN (0, 1)),
  type     TEXT NOT NULL,
  topic    TEXT NOT NULL,
  body     TEXT NOT NULL,
  boot_id  TEXT NOT NULL,
  mono     REAL NOT NULL,
  wall     REAL NOT NULL,
  synced   INTEGER NOT NULL CHECK (synced IN (0, 1)),
  call_id  TEXT,
  size     INTEGER NOT NULL CHECK (size > 0)
) STRICT;

-- Holds all that loading in order and choosing what to evict need, so that 100,000 events cost no look at their bodies.
CREATE INDEX events_in_order ON events (is_call, sequence, size);

-- Small pieces of state that the core keeps for the next boot.
CREATE TABLE notes (
  key  TEXT NOT NULL PRIMARY KEY,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE meta (
  key   TEXT NOT NULL PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT;

INSERT INTO meta (key, value) VALUES ('boot_count', 0), ('bytes', 0);

-- The sum of all sizes, kept by the transaction itself: right after a rollback and after a crash.
CREATE TRIGGER events_grow AFTER INSERT ON events BEGIN
  UPDATE meta SET value = value + NEW.size WHERE key = 'bytes';
END;

CREATE TRIGGER events_shrink AFTER DELETE ON events BEGIN
  UPDATE meta SET value = value - OLD.size WHERE key = 'bytes';
END;
