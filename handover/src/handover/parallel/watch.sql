-- What `handover watch` saw, in the schema of the journal. May be run again: it changes nothing that is there.
CREATE TABLE IF NOT EXISTS handover.watch_samples (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run     text NOT NULL,
    at      timestamptz NOT NULL,
    system  text NOT NULL CHECK (system IN ('original', 'backend', 'both')),
    metric  text NOT NULL,
    value   double precision,
    ok      boolean NOT NULL,
    reason  text NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS watch_samples_at ON handover.watch_samples (at);
CREATE TABLE IF NOT EXISTS handover.watch_windows (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run           text NOT NULL,
    window_start  timestamptz NOT NULL,
    window_end    timestamptz NOT NULL,
    system        text NOT NULL CHECK (system IN ('original', 'backend', 'both')),
    metric        text NOT NULL,
    value         double precision,
    verdict       text NOT NULL CHECK (verdict IN ('green', 'red', 'no data', 'not enough traffic')),
    reason        text NOT NULL,
    UNIQUE (run, window_start, system, metric)
);
CREATE INDEX IF NOT EXISTS watch_windows_end ON handover.watch_windows (window_end);
