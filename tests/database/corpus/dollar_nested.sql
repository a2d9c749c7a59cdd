CREATE FUNCTION outer_f() RETURNS text LANGUAGE plpgsql AS $outer$
DECLARE
  s text := $inner$ it's; $$ not the end $$ $outer_x$ nor here $inner$;
BEGIN
  EXECUTE $q$ SELECT $qq$ ; $qq$ $q$ INTO s;
  RETURN s;
END;
$outer$;
CREATE TABLE t AS SELECT outer_f() AS s;
