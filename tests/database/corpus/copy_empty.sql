CREATE TABLE t (id int);
COPY t FROM stdin;
\.
COPY "public"."t" ( id ) FROM stdin ;
7
\.
copy t from stdin; -- a comment
8
\.
