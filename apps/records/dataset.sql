-- The records data set: 2,000 records with 6,000 parts, which are records too; the 300 users who
-- wrote them; and 4,400 tags.
--
-- Load it as the role that owns the database:
--
--     psql --no-psqlrc -v ON_ERROR_STOP=1 -f dataset.sql "$DATABASE_URL"
--
-- It prints one word, last of all: 'changed' if it had to write, else 'unchanged'. Tables and rows
-- that are not exactly these are replaced, in one transaction, so it may be loaded again at any
-- time. Whoever edits the tables below gives them a new version; whoever edits the rows need not.
--
-- Nothing is random: rows follow from their number by arithmetic, so they are the same everywhere.
-- No table has more than 30,000 rows, so ANALYZE reads them all: its statistics, and the plans that
-- follow from them, are the same everywhere too.

\set QUIET on
\pset tuples_only on
\pset format unaligned
\set version 'testbed records 1'

BEGIN;
SET LOCAL client_min_messages = warning;
SET LOCAL timezone = 'UTC';

SELECT count(*) < 3 AS tables_differ
FROM pg_class
WHERE oid IN (
    to_regclass('public.auth_user'), to_regclass('public.record'), to_regclass('public.tag')
)
AND obj_description(oid, 'pg_class') = :'version'
\gset

\if :tables_differ
    DROP TABLE IF EXISTS public.tag, public.record, public.auth_user;

    CREATE TABLE public.auth_user ( -- the columns of Django's table of this name
        id integer PRIMARY KEY,
        password varchar(128) NOT NULL,
        last_login timestamp with time zone,
        is_superuser boolean NOT NULL,
        username varchar(150) NOT NULL UNIQUE,
        first_name varchar(150) NOT NULL,
        last_name varchar(150) NOT NULL,
        email varchar(254) NOT NULL,
        is_staff boolean NOT NULL,
        is_active boolean NOT NULL,
        date_joined timestamp with time zone NOT NULL
    );
    CREATE TABLE public.record (
        id bigint PRIMARY KEY,
        parent_id bigint REFERENCES public.record (id), -- of a part: the record it belongs to
        auth_user_id integer NOT NULL REFERENCES public.auth_user (id),
        status varchar(10) NOT NULL,
        updated timestamp with time zone NOT NULL,
        label varchar(200) NOT NULL,
        content text NOT NULL
    );
    CREATE INDEX record_parent_id_status ON public.record (parent_id, status);
    CREATE INDEX record_auth_user_id ON public.record (auth_user_id);
    CREATE TABLE public.tag (
        id bigint PRIMARY KEY,
        kind varchar(10) NOT NULL, -- of thing that is tagged: 'rec' is a record, 'usr' a user
        kind_id bigint NOT NULL, -- its id
        tag varchar(50) NOT NULL,
        UNIQUE (kind, kind_id, tag)
    );
    COMMENT ON TABLE public.auth_user IS :'version';
    COMMENT ON TABLE public.record IS :'version';
    COMMENT ON TABLE public.tag IS :'version';
\endif

CREATE TEMPORARY TABLE wanted_user ON COMMIT DROP AS
SELECT
    id,
    '!'::varchar(128) AS password, -- Django's mark of one that nobody can log in with
    NULL::timestamp with time zone AS last_login,
    false AS is_superuser,
    (lower(first_name) || '.' || lower(last_name) || id)::varchar(150) AS username,
    first_name::varchar(150),
    last_name::varchar(150),
    (lower(first_name) || id || '@example.org')::varchar(254) AS email,
    false AS is_staff,
    true AS is_active,
    timestamp with time zone '2019-01-01' + id * interval '37 hours' AS date_joined
FROM
    generate_series(1, 300) AS id,
    LATERAL (
        SELECT
            (ARRAY['Ada', 'Bruno', 'Clara', 'Dario', 'Elena', 'Felix', 'Greta', 'Hugo'])[1 + id % 8]
                AS first_name,
            (ARRAY['Abelard', 'Brandt', 'Castel', 'Dumont', 'Engel', 'Falk'])[1 + id / 8 % 6]
                AS last_name
    ) AS names;

-- Records 1 to 2000 stand by themselves, the rest are parts of them.
CREATE TEMPORARY TABLE wanted_record ON COMMIT DROP AS
SELECT
    id,
    CASE WHEN id > 2000 THEN 1 + mixed % 2000 END AS parent_id,
    (1 + mixed / 3 % 300)::integer AS auth_user_id,
    (ARRAY['new', 'open', 'done', 'dropped'])[1 + mixed / 7 % 4]::varchar(10) AS status,
    -- to the hour, so that some are equal
    timestamp with time zone '2020-12-01 12:00' - mixed / 11 % 1500 * interval '1 hour' AS updated,
    (
        (ARRAY['Invoice', 'Order', 'Offer & terms', 'Claim', 'Reminder'])[1 + mixed / 13 % 5]
        || ' ' || 100000 + id
    )::varchar(200) AS label,
    'Number ' || id || ' of those that came in. '
        || repeat('What it says is of some length, as such texts are. ', (2 + mixed / 17 % 4)::integer)
        AS content
FROM
    generate_series(1::bigint, 8000) AS id,
    LATERAL (SELECT id * id * 48271 % 2147483647 AS mixed) AS spread;

-- Lower-case letters only, so that every collation sorts them in one way.
CREATE TEMPORARY TABLE wanted_tag ON COMMIT DROP AS
SELECT row_number() OVER (ORDER BY kind, kind_id, tag) AS id, kind, kind_id, tag
FROM (
    -- each thing has none to four tags, no two of them the same
    SELECT
        kind,
        kind_id,
        (ARRAY['urgent', 'paid', 'draft', 'legal', 'export', 'import', 'abroad', 'signed', 'late'])
            [1 + (kind_id * 5 + number * 2) % 9]::varchar(50) AS tag
    FROM (
        SELECT 'rec'::varchar(10) AS kind, kind_id FROM generate_series(1::bigint, 2000) AS kind_id
        UNION ALL
        SELECT 'usr', kind_id FROM generate_series(1::bigint, 300) AS kind_id
    ) AS things,
    LATERAL generate_series(1, kind_id * kind_id * 48271 % 2147483647 / 19 % 5) AS number
) AS tags;

SELECT
    EXISTS (TABLE wanted_user EXCEPT TABLE public.auth_user)
    OR EXISTS (TABLE public.auth_user EXCEPT TABLE wanted_user)
    OR EXISTS (TABLE wanted_record EXCEPT TABLE public.record)
    OR EXISTS (TABLE public.record EXCEPT TABLE wanted_record)
    OR EXISTS (TABLE wanted_tag EXCEPT TABLE public.tag)
    OR EXISTS (TABLE public.tag EXCEPT TABLE wanted_tag) AS rows_differ
\gset

\if :rows_differ
    TRUNCATE public.auth_user, public.record, public.tag;
    INSERT INTO public.auth_user TABLE wanted_user;
    INSERT INTO public.record TABLE wanted_record;
    INSERT INTO public.tag TABLE wanted_tag;
\endif

COMMIT;

-- New tables are empty, so rows_differ covers both. The vacuum that PostgreSQL would do of itself a
-- minute later is done now, so that it falls into no measurement and changes no plan.
\if :rows_differ
    VACUUM (ANALYZE) public.auth_user, public.record, public.tag;
    \echo changed
\else
    \echo unchanged
\endif
