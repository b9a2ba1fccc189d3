-- Puts the rows and the next id back as dataset.sql made them, whatever a load has added. Run before
-- each run, by the role that owns the tables.
--
-- TRUNCATE gives the table new files, so that no run pays for the dead rows of the one before.

BEGIN;
TRUNCATE public.item;
INSERT INTO public.item TABLE public.item_at_start;
SELECT setval(pg_get_serial_sequence('public.item', 'id'), max(id)) FROM public.item;
ANALYZE public.item;
COMMIT;
