CREATE TABLE t (a int, b int, total int GENERATED ALWAYS AS (a + b) STORED, label text GENERATED ALWAYS AS ('n;' || a::text) STORED);
INSERT INTO t (a, b) VALUES (1, 2), (3, 4);
