CREATE TABLE t (b bit varying, x bytea);
INSERT INTO t VALUES (B'1010', '\x00ff'), (X'1F', E'\\x41');
