-- The counter data set: 100 counters.
--
-- Load it as the role that owns the database:
--
--     psql --no-psqlrc -v ON_ERROR_STOP=1 -f dataset.sql "$DATABASE_URL"
--
-- It prints one word, after the commit: 'changed' if it had to write, else 'unchanged'. A table and
-- rows that are not exactly these are replaced, in one transaction, so it may be loaded again at any
-- time. Whoever edits the table below gives it a new version; whoever edits the rows need not, but
-- reset.sql has the same rule.

\set QUIET on
\pset tuples_only on
\pset format unaligned
\set version 'testbed counter 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT coalesce(obj_description(to_regclass('public.counter'), 'pg_class') <> :'version', true)
    AS table_differs
\gset

\if :table_differs
    DROP TABLE IF EXISTS public.counter;

    CREATE TABLE public.counter (
        id integer PRIMARY KEY,
        name text NOT NULL,
        hits integer NOT NULL
    );
    COMMENT ON TABLE public.counter IS :'version';
\endif

CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT id, 'Counter ' || id AS name, 100 * id AS hits FROM generate_series(1, 100) AS id;

SELECT
    EXISTS (TABLE wanted EXCEPT TABLE public.counter)
    OR EXISTS (TABLE public.counter EXCEPT TABLE wanted) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.counter;
    INSERT INTO public.counter TABLE wanted;
    ANALYZE public.counter;
\endif

COMMIT;

-- A new table is empty, so rows_differ covers both.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
