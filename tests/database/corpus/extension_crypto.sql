CREATE EXTENSION pgcrypto; CREATE EXTENSION "uuid-ossp"; CREATE EXTENSION tablefunc; CREATE EXTENSION unaccent;
CREATE TABLE t AS SELECT encode(digest('x;', 'sha256'), 'hex') AS d, uuid_generate_v5(uuid_ns_dns(), 'example.org') AS u, unaccent('Hôtel') AS h;
