CREATE TABLE t (x xml, a int[][], s text[]);
INSERT INTO t VALUES ('<a b="c;">''</a>', '{{1,2},{3,4}}', ARRAY['a;b', NULL, '"', '{}']);
UPDATE t SET a[1][2] = 9, s[5:6] = ARRAY['x', 'y']; SELECT a[1:1][2:2] FROM t;
