-- The service data set: 1,000 parts in ten categories.
--
-- Load it as the role that owns the database:
--
--     psql --no-psqlrc -v ON_ERROR_STOP=1 -f dataset.sql "$DATABASE_URL"
--
-- It prints one word, after the commit: 'changed' if it had to write, else 'unchanged'. A table and
-- rows that are not exactly these are replaced, in one transaction, so it may be loaded again at any
-- time. Whoever edits the table below gives it a new version; whoever edits the rows need not.

\set QUIET on
\pset tuples_only on
\pset format unaligned
\set version 'testbed service 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT coalesce(obj_description(to_regclass('public.item'), 'pg_class') <> :'version', true)
    AS table_differs
\gset

\if :table_differs
    DROP TABLE IF EXISTS public.item;

    CREATE TABLE public.item (
        id integer PRIMARY KEY,
        name text NOT NULL,
        category integer NOT NULL,
        price integer NOT NULL
    );
    CREATE INDEX ON public.item (category);
    COMMENT ON TABLE public.item IS :'version';
\endif

CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT id, 'Part ' || id || ' & bolts' AS name, 1 + id % 10 AS category, 100 + id * 7919 % 9900 AS price
FROM generate_series(1, 1000) AS id;

SELECT
    EXISTS (TABLE wanted EXCEPT TABLE public.item)
    OR EXISTS (TABLE public.item EXCEPT TABLE wanted) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.item;
    INSERT INTO public.item TABLE wanted;
    ANALYZE public.item;
\endif

COMMIT;

-- A new table is empty, so rows_differ covers both.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
