CREATE TABLE t (n int, s text);
PREPARE ins (int, text) AS INSERT INTO t VALUES ($1, $2 || ';');
EXECUTE ins (1, 'a'); EXECUTE ins (2, 'b;'); DEALLOCATE ins;
PREPARE q AS SELECT $1::int; EXECUTE q (5); DEALLOCATE ALL;
