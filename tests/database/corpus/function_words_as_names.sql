CREATE FUNCTION f(begin_at int, end_at int) RETURNS int LANGUAGE sql AS $$ SELECT end_at - begin_at $$;
CREATE TABLE t AS SELECT f(1, 5) AS d, CASE WHEN true THEN 1 END AS "end";
CREATE FUNCTION end_of(d date) RETURNS date LANGUAGE sql AS 'SELECT d + 1; ';
