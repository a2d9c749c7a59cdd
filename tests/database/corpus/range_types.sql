CREATE TYPE timerange AS RANGE (subtype = time);
CREATE TABLE t (r int4range, tr timerange, m int4multirange);
INSERT INTO t VALUES ('[1,5)', '[08:00,12:00)', '{[1,2),[5,9)}');
