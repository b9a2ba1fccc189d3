-- The lookup data set: 1,000 entries.
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
\set version 'testbed lookup 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT coalesce(obj_description(to_regclass('public.entry'), 'pg_class') <> :'version', true)
    AS table_differs
\gset

\if :table_differs
    DROP TABLE IF EXISTS public.entry;

    CREATE TABLE public.entry (
        id integer PRIMARY KEY,
        name text NOT NULL,
        amount integer NOT NULL
    );
    COMMENT ON TABLE public.entry IS :'version';
\endif

CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT id, 'Entry ' || id AS name, id * 7919 % 9973 AS amount FROM generate_series(1, 1000) AS id;

SELECT
    EXISTS (TABLE wanted EXCEPT TABLE public.entry)
    OR EXISTS (TABLE public.entry EXCEPT TABLE wanted) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.entry;
    INSERT INTO public.entry TABLE wanted;
    ANALYZE public.entry;
\endif

COMMIT;

-- A new table is empty, so rows_differ covers both.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
