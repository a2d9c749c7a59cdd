CREATE TABLE t (id int, note text);
INSERT INTO t VALUES (1, 'first');
COPY t FROM stdin;
2	second
3	third
\.
SELECT count(*) FROM t;
