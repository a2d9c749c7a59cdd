CREATE TYPE address AS (street text, "zip;" text);
CREATE TABLE t (id int, a address, many address[]);
INSERT INTO t VALUES (1, ROW('a;b', '1'), ARRAY[ROW('c', '2')::address]);
ALTER TYPE address ADD ATTRIBUTE city text CASCADE;
