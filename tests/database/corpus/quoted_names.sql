CREATE SCHEMA "My;Schema";
CREATE TABLE "My;Schema"."odd;""name" ("semi;colon" int, "$$" text, "it's" text, "--" text, "/*" text);
INSERT INTO "My;Schema"."odd;""name" VALUES (1, '$$', '''', '--', '/*');
CREATE VIEW "view;" AS SELECT "semi;colon" AS "end;", "$$" AS "begin" FROM "My;Schema"."odd;""name";
