DO $$ BEGIN EXECUTE 'CREATE TABLE made (id int)'; END $$;
DO LANGUAGE plpgsql $do$
DECLARE i int;
BEGIN
  FOR i IN 1..3 LOOP EXECUTE format('CREATE TABLE part_%s (id int DEFAULT %L)', i, i); END LOOP;
  RAISE NOTICE 'three; made';
END $do$;
DO 'BEGIN INSERT INTO made VALUES (7); END';
