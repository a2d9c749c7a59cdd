\restrict abcDEF123

SET statement_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE TABLE public.t (n integer);
COPY public.t (n) FROM stdin;
1
2
\.
\unrestrict abcDEF123
