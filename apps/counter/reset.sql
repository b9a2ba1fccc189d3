-- Puts the rows back as dataset.sql made them, whatever a load has added. Run before each run, by the
-- role that owns the table.
--
-- TRUNCATE gives the table new files, so that no run pays for the dead rows of the one before.

BEGIN;
TRUNCATE public.counter;
INSERT INTO public.counter (id, name, hits)
SELECT id, 'Counter ' || id, 100 * id FROM generate_series(1, 100) AS id;
ANALYZE public.counter;
COMMIT;
