CREATE FUNCTION add(a int, b int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT a + b; ';
CREATE FUNCTION pair(OUT x int, OUT y text) AS $$ SELECT 1, 'x;y'; $$ LANGUAGE sql;
CREATE TABLE t AS SELECT add(1, 2) AS n, (pair()).*;
