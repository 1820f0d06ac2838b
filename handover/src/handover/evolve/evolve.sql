-- How far each step of an evolution is. May be run again: it changes nothing that is there.
-- A step is marked as done in the transaction of its statements; a step in batches keeps its cursor with each batch.
CREATE TABLE IF NOT EXISTS handover.evolution_steps (
    evolution text NOT NULL,
    run uuid NOT NULL,
    step text NOT NULL,
    done_at timestamptz,
    cursor jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (evolution, run, step)
);
