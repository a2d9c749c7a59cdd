CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION citext;
CREATE EXTENSION hstore WITH SCHEMA public;
CREATE TABLE t (name citext UNIQUE, tags hstore);
INSERT INTO t VALUES ('Ada', 'a=>1, "b;"=>"2"');
CREATE INDEX ON t USING gin (tags); CREATE INDEX t_trgm ON t USING gist ((name::text) gist_trgm_ops);
