CREATE TYPE cents AS (n int); CREATE FUNCTION to_cents(int) RETURNS cents LANGUAGE sql IMMUTABLE AS $$ SELECT ROW($1)::cents; $$;
CREATE CAST (int AS cents) WITH FUNCTION to_cents(int) AS ASSIGNMENT;
CREATE TABLE t (c cents); INSERT INTO t VALUES (5::cents), (CAST(7 AS cents));
