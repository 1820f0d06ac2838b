-- What the original deletes then; the parts go with the repairs.
DELETE FROM repairs WHERE done;
