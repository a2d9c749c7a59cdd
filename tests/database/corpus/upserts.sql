CREATE TABLE t (id int PRIMARY KEY, n int, s text);
INSERT INTO t VALUES (1, 1, 'a') ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n, s = 'b;';
INSERT INTO t VALUES (1, 5, 'c') ON CONFLICT (id) DO UPDATE SET n = t.n + excluded.n, s = 'b;';
INSERT INTO t VALUES (1, 9, 'd') ON CONFLICT DO NOTHING RETURNING *;
