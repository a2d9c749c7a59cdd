CREATE TABLE t (n int, s text);
\copy t from stdin with (format csv)
1,"a;b"
2,c
\.
\copy t (n) from stdin
3
\.
INSERT INTO t VALUES (4, 'after');
