CREATE FUNCTION least_of(VARIADIC n int[]) RETURNS int LANGUAGE sql AS $$ SELECT min(x) FROM unnest(n) x; $$;
CREATE FUNCTION named(a int DEFAULT 1, b text DEFAULT 'x;') RETURNS text LANGUAGE sql AS $$ SELECT b || a $$;
CREATE TABLE t AS SELECT least_of(3, 1, 2) AS l, named(b => 'q') AS n;
