CREATE TABLE t (id serial PRIMARY KEY, big bigserial, small smallserial, n text);
INSERT INTO t (n) SELECT 'x' FROM generate_series(1, 4);
SELECT setval('t_id_seq', 41); INSERT INTO t (n) VALUES (currval('t_id_seq')::text);
