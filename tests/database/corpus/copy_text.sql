CREATE TABLE t (id int, note text);
COPY t FROM stdin;
1	plain
2	tab\there and newline\nhere
3	\N
4	it's ; "quoted" $$ /* --
5	back\\slash \\.
\.
INSERT INTO t VALUES (6, 'after');
