SELECT n AS a, ';' AS b INTO t FROM generate_series(1, 3) n; SELECT 1 AS x INTO TEMP tmp; CREATE TABLE u AS TABLE t WITH NO DATA;
