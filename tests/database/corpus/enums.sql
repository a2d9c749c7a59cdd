CREATE TYPE mood AS ENUM ('happy; really', 'sad', 'it''s');
CREATE TABLE t (m mood DEFAULT 'sad', ms mood[]);
INSERT INTO t VALUES ('happy; really', '{sad,"it''s"}'), (DEFAULT, NULL);
ALTER TYPE mood RENAME VALUE 'sad' TO 'blue';
