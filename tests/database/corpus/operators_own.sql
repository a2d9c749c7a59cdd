CREATE FUNCTION plus(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT a || ';' || b $$;
CREATE OPERATOR |+| (LEFTARG = text, RIGHTARG = text, FUNCTION = plus, COMMUTATOR = |+|);
CREATE TABLE t AS SELECT 'a' |+| 'b' AS s, 5 - -3 AS n, 2 * -1 AS m, @ -5 AS abs, 5 % -3 AS mo;
