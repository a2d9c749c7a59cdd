CREATE TABLE t (a int, b text, c jsonb, d tsvector, e point);
CREATE INDEX ON t (a DESC NULLS LAST, lower(b)) INCLUDE (e) WHERE a > 5 AND b <> ';';
CREATE INDEX t_gin ON t USING gin (c jsonb_path_ops, d); CREATE INDEX t_gist ON t USING gist (e); CREATE INDEX t_brin ON t USING brin (a) WITH (pages_per_range = 32);
CREATE UNIQUE INDEX t_u ON t (a, b); CREATE INDEX t_hash ON t USING hash (b); CLUSTER t USING t_u;
