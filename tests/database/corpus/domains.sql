CREATE DOMAIN positive AS int CHECK (VALUE > 0) DEFAULT 1;
CREATE DOMAIN code AS text NOT NULL CONSTRAINT three CHECK (VALUE ~ '^[a-z;]{3}$');
CREATE TABLE t (n positive, c code);
INSERT INTO t (c) VALUES ('ab;'); ALTER DOMAIN positive ADD CONSTRAINT small CHECK (VALUE < 100);
