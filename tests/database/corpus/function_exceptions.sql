CREATE TABLE t (n int UNIQUE);
CREATE FUNCTION try(n int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO t VALUES (n);
  RETURN 'new;';
EXCEPTION WHEN unique_violation THEN
  RETURN 'old;';
END $$;
SELECT try(1); SELECT try(1); SELECT try(2);
