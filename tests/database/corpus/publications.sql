CREATE TABLE t (id int PRIMARY KEY, n int); CREATE TABLE u (id int PRIMARY KEY);
CREATE PUBLICATION p FOR TABLE t (id, n) WHERE (id > 5), u WITH (publish = 'insert, update');
ALTER TABLE t REPLICA IDENTITY FULL;
