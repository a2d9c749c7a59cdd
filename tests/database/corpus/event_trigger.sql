CREATE TABLE ddl (tag text);
CREATE FUNCTION watch() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO ddl VALUES (TG_TAG); END $$;
CREATE EVENT TRIGGER watch_ddl ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION watch();
CREATE TABLE a (i int); CREATE TABLE b (i int);
DROP EVENT TRIGGER watch_ddl;
