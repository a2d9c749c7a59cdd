CREATE TABLE t (s text);
INSERT INTO t VALUES (U&'d\0061t\+000061'), (U&'d!0061;!!' UESCAPE '!'), (u&'x');
SELECT U&"\0073" FROM t;
