-- Only on a throw-away copy: writes down every version of a row in the order in which they came about. The row's lock
-- is held until the writer has committed, so the next writer's trigger gets a later number.
CREATE SCHEMA handover_prove;
CREATE TABLE handover_prove.versions (
    number bigint GENERATED ALWAYS AS IDENTITY,
    transaction bigint NOT NULL,
    role name NOT NULL,
    key text NOT NULL,
    operation text,
    old_text text, old_number bigint, old_status text,
    new_text text, new_number bigint, new_status text,
    others text NOT NULL
);
GRANT USAGE ON SCHEMA handover_prove TO PUBLIC;
CREATE FUNCTION handover_prove.write_down() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $body$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO handover_prove.versions
            (transaction, role, key, operation, new_text, new_number, new_status, others)
        VALUES (txid_current(), session_user, NEW.{key}::text, NEW.{text},
            NEW.{text}, NEW.{number}, NEW.{status}::text, '');
    ELSIF TG_OP = 'UPDATE' THEN
        INSERT INTO handover_prove.versions
            (transaction, role, key, operation, old_text, old_number, old_status, new_text, new_number, new_status,
             others)
        VALUES (txid_current(), session_user, NEW.{key}::text, NEW.{text}, OLD.{text}, OLD.{number}, OLD.{status}::text,
            NEW.{text}, NEW.{number}, NEW.{status}::text, concat_ws(', ', {others}));
    ELSE
        INSERT INTO handover_prove.versions
            (transaction, role, key, operation, old_text, old_number, old_status, others)
        VALUES (txid_current(), session_user, OLD.{key}::text, nullif(current_setting('handover.operation', true), ''),
            OLD.{text}, OLD.{number}, OLD.{status}::text, '');
    END IF;
    RETURN NULL;
END
$body$;
CREATE TRIGGER handover_prove AFTER INSERT OR UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION handover_prove.write_down();
