CREATE TABLE log (what text);
CREATE PROCEDURE begin_end(x text) LANGUAGE sql BEGIN ATOMIC INSERT INTO log VALUES (x); INSERT INTO log VALUES ('end;'); END;
CALL begin_end('a;b');
CREATE TABLE "case" ("end" int, "begin" int);
