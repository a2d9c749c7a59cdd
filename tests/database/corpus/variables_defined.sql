\set yes 1
CREATE TABLE t AS SELECT :{?yes} AS known, :{?nope} AS unknown;
\set list '1, 2, 3'
INSERT INTO t SELECT true, n IN (:list) FROM generate_series(1, 5) n;
\set path 'C:\\dir'
CREATE TABLE p AS SELECT :'path' AS p;
