CREATE TEMP TABLE scratch (n int);
INSERT INTO scratch SELECT generate_series(1, 5);
CREATE TABLE kept AS SELECT sum(n) FROM scratch;
CREATE TEMPORARY VIEW tv AS SELECT 1; CREATE UNLOGGED TABLE fast (n int); DROP TABLE scratch;
