CREATE TABLE "select" ("from" int, "where" text); INSERT INTO "select" VALUES (1, 'from stdin;');
CREATE TABLE copy_from_stdin (n int); INSERT INTO copy_from_stdin SELECT "from" FROM "select"; COMMENT ON TABLE copy_from_stdin IS 'COPY t FROM stdin;';
