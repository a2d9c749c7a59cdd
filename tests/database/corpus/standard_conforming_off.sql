SET standard_conforming_strings = off;
SET escape_string_warning = off;
CREATE TABLE t (s text);
INSERT INTO t VALUES ('it\'s; here'), ('\\'), ('tab\there;');
SET standard_conforming_strings = on;
INSERT INTO t VALUES ('\'), ('it''s; \n');
