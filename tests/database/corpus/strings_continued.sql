CREATE TABLE t (s text);
INSERT INTO t VALUES ('one ;'
  ' two'
  -- a comment between; '
  ), ('x');
INSERT INTO t VALUES (E'a\n'
  'b\';c');
