CREATE TABLE t (n int, s text);
COPY t FROM stdin;
1	one
2	two
