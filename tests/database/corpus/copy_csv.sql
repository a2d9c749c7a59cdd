CREATE TABLE t (id int, note text, more text);
COPY t (id, note, more) FROM STDIN WITH (FORMAT csv, HEADER, NULL 'nil', QUOTE '''');
id,note,more
1,'a,b;',nil
2,'it''s','x
y'
\.
COPY t FROM stdin CSV;
3,"a ""q"" b",
\.
