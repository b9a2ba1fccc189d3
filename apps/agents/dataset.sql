-- The agents data set: 50 agents of a call centre, none of them logged in.
--
-- Load it as the role that owns the database:
--
--     psql --no-psqlrc -v ON_ERROR_STOP=1 -f dataset.sql "$DATABASE_URL"
--
-- It prints one word, after the commit: 'changed' if it had to write, else 'unchanged'. Tables and
-- rows that are not exactly these are replaced, in one transaction, so it may be loaded again at any
-- time. Whoever edits the tables below gives them a new version; whoever edits the rows need not.

\set QUIET on
\pset tuples_only on
\pset format unaligned
\set version 'testbed agents 1'

BEGIN;
SET LOCAL client_min_messages = warning;

SELECT count(*) < 2 AS tables_differ
FROM pg_class
WHERE oid IN (to_regclass('public.agentfeatures'), to_regclass('public.agent_login_status'))
  AND obj_description(oid, 'pg_class') = :'version'
\gset

\if :tables_differ
    DROP TABLE IF EXISTS public.agent_login_status, public.agentfeatures;

    CREATE TABLE public.agentfeatures (
        id integer PRIMARY KEY,
        number text NOT NULL UNIQUE, -- what the agent dials in with
        firstname text NOT NULL,
        lastname text NOT NULL,
        language text NOT NULL,
        description text
    );
    CREATE TABLE public.agent_login_status ( -- a row while the agent is logged in
        agent_id integer PRIMARY KEY REFERENCES public.agentfeatures (id),
        extension text NOT NULL,
        context text NOT NULL,
        interface text NOT NULL,
        state_interface text NOT NULL,
        login_at timestamp with time zone NOT NULL DEFAULT now()
    );
    COMMENT ON TABLE public.agentfeatures IS :'version';
    COMMENT ON TABLE public.agent_login_status IS :'version';
\endif

CREATE TEMPORARY TABLE wanted ON COMMIT DROP AS
SELECT
    id,
    (1000 + id)::text AS number,
    (ARRAY['Ada', 'Bruno', 'Clara', 'Dario', 'Elena', 'Felix', 'Greta', 'Hugo', 'Ines', 'Jonas'])
        [1 + (id - 1) % 10] AS firstname,
    (ARRAY['Abelard', 'Brandt', 'Castel', 'Dumont', 'Engel'])[1 + (id - 1) / 10] AS lastname,
    (ARRAY['en', 'fr', 'nl'])[1 + id % 3] AS language,
    NULL::text AS description
FROM generate_series(1, 50) AS id;

SELECT
    EXISTS (TABLE wanted EXCEPT TABLE public.agentfeatures)
    OR EXISTS (TABLE public.agentfeatures EXCEPT TABLE wanted)
    OR EXISTS (TABLE public.agent_login_status) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.agentfeatures, public.agent_login_status;
    INSERT INTO public.agentfeatures TABLE wanted;
    ANALYZE public.agentfeatures, public.agent_login_status;
\endif

COMMIT;

-- New tables are empty, so rows_differ covers both.
\if :rows_differ
    \echo changed
\else
    \echo unchanged
\endif
