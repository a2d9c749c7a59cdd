CREATE TABLE t (id int PRIMARY KEY, s text);
INSERT INTO t SELECT n, repeat('x;', n % 10) || chr(32 + n % 90) FROM generate_series(1, 2000) n;
