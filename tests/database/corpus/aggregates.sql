CREATE FUNCTION glue(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(a || ';', '') || b $$;
CREATE AGGREGATE glue_all (text) (SFUNC = glue, STYPE = text);
CREATE TABLE t AS SELECT glue_all(n::text ORDER BY n) AS s FROM generate_series(1, 4) n;
