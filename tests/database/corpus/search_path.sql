CREATE SCHEMA one; CREATE SCHEMA "two;";
SET search_path = one, "two;", public; CREATE TABLE t (n int);
SET search_path TO "two;"; CREATE TABLE u (n int);
RESET search_path; CREATE TABLE v (n int);
