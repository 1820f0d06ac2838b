-- What was decided and done, by which account, and when. Entries are added, never changed and never removed.
CREATE TABLE IF NOT EXISTS handover.journal (
    seq bigint PRIMARY KEY,
    id uuid NOT NULL UNIQUE,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    who text NOT NULL,
    machine text NOT NULL,
    kind text NOT NULL,
    body jsonb NOT NULL
);

CREATE OR REPLACE FUNCTION handover.only_add() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'entries of the journal are added, never changed and never removed';
END $$;

CREATE OR REPLACE TRIGGER only_add BEFORE UPDATE OR DELETE OR TRUNCATE ON handover.journal
    EXECUTE FUNCTION handover.only_add();

-- Who may act now: one row at most.
CREATE TABLE IF NOT EXISTS handover.lease (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    token uuid NOT NULL,
    who text NOT NULL,
    machine text NOT NULL,
    pid int NOT NULL,
    place text NOT NULL,
    command text NOT NULL,
    acquired_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    expires_at timestamptz NOT NULL
);
