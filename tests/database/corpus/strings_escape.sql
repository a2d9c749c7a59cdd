CREATE TABLE t (s text);
INSERT INTO t VALUES (E'tab\there'), (e'it\'s; \\'), (E'\\'), (E'a''b\';c'), (E'\x41\u00e9\U0001F600'), (E'new
line;');
