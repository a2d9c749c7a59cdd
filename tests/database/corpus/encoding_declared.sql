SET client_encoding TO 'UTF8'; SET NAMES 'UTF8'; CREATE TABLE t (s text); INSERT INTO t VALUES ('größe €'); RESET client_encoding;
