CREATE TABLE t (id int);
INSERT INTO t VALUES (1) -- no semicolon, and a comment
