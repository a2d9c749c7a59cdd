CREATE TABLE a$b (c$d int, e$$ int);
INSERT INTO a$b VALUES (1, 2);
SELECT c$d AS x$y, e$$ FROM a$b;
CREATE FUNCTION f$g(int) RETURNS int LANGUAGE sql AS $$ SELECT $1; $$;
