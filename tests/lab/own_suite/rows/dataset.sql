-- The rows data set: 1,000 readings, and 12 notices.
--
-- Load it as the role that owns the database:
--
--     psql --no-psqlrc -v ON_ERROR_STOP=1 -f dataset.sql "$DATABASE_URL"
--
-- It prints one word, after the commit: 'changed' if it had to write, else 'unchanged'. Tables and
-- rows that are not exactly these are replaced, in one transaction, so it may be loaded again at any
-- time. Whoever edits the tables below gives them a new version; whoever edits the rows need not.
--
-- `reading_at_start` holds the same rows as `reading`, for reset.sql, which puts them back.

\set QUIET on
\pset tuples_only on
\pset format unaligned
\set version 'testbed rows 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT count(*) < 3 AS tables_differ
FROM pg_class
WHERE oid IN (
        to_regclass('public.reading'),
        to_regclass('public.reading_at_start'),
        to_regclass('public.notice')
    )
  AND obj_description(oid, 'pg_class') = :'version'
\gset

\if :tables_differ
    DROP TABLE IF EXISTS public.reading, public.reading_at_start, public.notice;

    -- A new version of a row finds room on its page, so that the index need not change
    CREATE TABLE public.reading (
        id integer PRIMARY KEY,
        value integer NOT NULL
    ) WITH (fillfactor = 50);
    CREATE TABLE public.reading_at_start (LIKE public.reading INCLUDING INDEXES);
    CREATE TABLE public.notice (
        id integer PRIMARY KEY,
        text text NOT NULL
    );
    COMMENT ON TABLE public.reading IS :'version';
    COMMENT ON TABLE public.reading_at_start IS :'version';
    COMMENT ON TABLE public.notice IS :'version';
\endif

-- No value is its id: one of the two is odd, and the other one even
CREATE TEMPORARY TABLE wanted_readings ON COMMIT DROP AS
SELECT id, (id * 7919) % 10000 + 1 AS value
FROM generate_series(1, 1000) AS id;

CREATE TEMPORARY TABLE wanted_notices ON COMMIT DROP AS
SELECT id::integer AS id, text
FROM unnest(ARRAY[
    'Valve 3 was replaced on Monday',
    'Keep the door of room 12 shut',
    'Readings < 100 are below the noise',
    'Call "Berta" before you climb the mast',
    'The mast''s key hangs in the kitchen',
    '<script>alert("never run this")</script>',
    'Oil & filters are in the shed',
    'Größe und Gewicht stehen am Gerät',
    '計器は毎週確認してください',
    'Instrument 7 drifts by 2 % a year',
    'No smoking',
    'Write the date as 2024-05-31'
]) WITH ORDINALITY AS notice (text, id);

SELECT
    EXISTS (TABLE wanted_readings EXCEPT TABLE public.reading)
    OR EXISTS (TABLE public.reading EXCEPT TABLE wanted_readings)
    OR EXISTS (TABLE wanted_readings EXCEPT TABLE public.reading_at_start)
    OR EXISTS (TABLE public.reading_at_start EXCEPT TABLE wanted_readings)
    OR EXISTS (TABLE wanted_notices EXCEPT TABLE public.notice)
    OR EXISTS (TABLE public.notice EXCEPT TABLE wanted_notices) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.reading, public.reading_at_start, public.notice;
    INSERT INTO public.reading_at_start TABLE wanted_readings;
    INSERT INTO public.reading TABLE wanted_readings;
    INSERT INTO public.notice TABLE wanted_notices;
    ANALYZE public.reading, public.reading_at_start, public.notice;
\endif

COMMIT;

-- New tables are empty, so rows_differ covers both.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
