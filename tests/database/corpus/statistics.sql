CREATE TABLE t (a int, b int); INSERT INTO t SELECT n, n % 5 FROM generate_series(1, 50) n;
CREATE STATISTICS st (dependencies, ndistinct) ON a, b FROM t; ALTER TABLE t ALTER COLUMN a SET STATISTICS 200; ANALYZE t;
