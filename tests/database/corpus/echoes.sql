\echo 'making tables'
CREATE TABLE t (n int);
\qecho quietly :n
\warn 'careful'
\timing on
\pset pager off
\x
\t on
INSERT INTO t VALUES (1);
\echo done \\ INSERT INTO t VALUES (2);
