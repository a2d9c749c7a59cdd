SELECT pg_catalog.set_config('standard_conforming_strings', 'off', false);
CREATE TABLE t (s text);
INSERT INTO t VALUES (E'a\'b'), ('x\'y;z');
RESET standard_conforming_strings;
