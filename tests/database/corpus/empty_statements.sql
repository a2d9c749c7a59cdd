;;
CREATE TABLE t (id int);;
; ;
-- nothing here
/* nor here */;
INSERT INTO t VALUES (1);
