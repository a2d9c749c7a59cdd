/* one /* two /* three; */ still; */ ; */ CREATE TABLE t (id int /* ; */, -- ; '
  name text /* ' " $$ */);
INSERT INTO t VALUES (1, '/* no comment */ -- nor this');
