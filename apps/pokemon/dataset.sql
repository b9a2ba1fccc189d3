-- The pokemon data set: 800 made-up creatures. Names and figures follow from a creature's number, so
-- that every load anywhere gives the same rows.
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
\set version 'testbed pokemon 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT count(*) < 1 AS table_differs
FROM pg_class
WHERE oid = to_regclass('public.creature') AND obj_description(oid, 'pg_class') = :'version'
\gset

\if :table_differs
    DROP TABLE IF EXISTS public.creature;

    CREATE TABLE public.creature (
        number integer PRIMARY KEY,
        name text NOT NULL UNIQUE,
        element text NOT NULL,
        second_element text, -- most have one only
        health integer NOT NULL,
        attack integer NOT NULL,
        defence integer NOT NULL,
        magic_attack integer NOT NULL,
        magic_defence integer NOT NULL,
        speed integer NOT NULL,
        generation integer NOT NULL,
        legendary boolean NOT NULL
    );
    COMMENT ON TABLE public.creature IS :'version';
\endif

-- A name is one of 10 beginnings, 10 middles and 8 endings. 37 and 800 have no common divisor, so
-- that each of the 800 names occurs once, and neighbours differ.
CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT
    number,
    (ARRAY['Bra', 'Cel', 'Dro', 'Fen', 'Gul', 'Hax', 'Jor', 'Kem', 'Lub', 'Moz'])[1 + pick / 80]
        || (ARRAY['ba', 'de', 'fi', 'go', 'lu', 'ma', 'ne', 'pi', 'ro', 'ta'])[1 + pick / 8 % 10]
        || (ARRAY['dan', 'fex', 'gril', 'kon', 'lith', 'mup', 'quor', 'sel'])[1 + pick % 8]
        AS name,
    (ARRAY['ash', 'brook', 'cloud', 'dune', 'ember', 'frost'])[1 + number % 6] AS element,
    CASE WHEN number % 4 = 0
        THEN (ARRAY['glow', 'hollow', 'iron', 'moss', 'spark'])[1 + number % 5]
    END AS second_element,
    20 + number * 13 % 131 AS health,
    15 + number * 17 % 127 AS attack,
    15 + number * 19 % 113 AS defence,
    10 + number * 23 % 139 AS magic_attack,
    10 + number * 29 % 109 AS magic_defence,
    5 + number * 31 % 149 AS speed,
    1 + (number - 1) / 134 AS generation,
    number % 50 = 0 AS legendary
FROM generate_series(1, 800) AS number
CROSS JOIN LATERAL (SELECT number * 37 % 800 AS pick) AS picked;

SELECT
    EXISTS (TABLE wanted EXCEPT TABLE public.creature)
    OR EXISTS (TABLE public.creature EXCEPT TABLE wanted) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.creature;
    INSERT INTO public.creature TABLE wanted;
    ANALYZE public.creature;
\endif

COMMIT;

-- A new table is empty, so rows_differ covers it.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
