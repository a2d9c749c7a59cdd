CREATE FUNCTION fact(n int) RETURNS bigint LANGUAGE plpgsql AS $fn$
DECLARE r bigint := 1;
BEGIN
  IF n < 0 THEN RAISE EXCEPTION 'no; %', n; END IF;
  FOR i IN 2..n LOOP r := r * i; END LOOP;
  RETURN CASE WHEN n = 0 THEN 1 ELSE r END; -- done;
END;
$fn$;
CREATE TABLE t AS SELECT n, fact(n) FROM generate_series(0, 5) n;
