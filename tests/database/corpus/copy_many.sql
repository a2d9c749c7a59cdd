CREATE TABLE a (n int); CREATE TABLE b (n int);
COPY a FROM stdin;
1
2
\.
COPY b FROM stdin;
3
\.

COPY a FROM stdin;
4
\.
