CREATE TABLE t (s text);
INSERT INTO t VALUES ($$;$$), ($a$ $$ ; $a$), ($a1$ $a$ ; $a1$), ($_x$ $x$ $_x$), ($é$ ; $é$), ($A$ $a$;$a$ $A$);
