CREATE TABLE t (body text, tsv tsvector GENERATED ALWAYS AS (to_tsvector('simple', body)) STORED);
INSERT INTO t (body) VALUES ('the cat; sat'), ('a dog''s day');
CREATE TEXT SEARCH CONFIGURATION mine (COPY = simple); CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, STOPWORDS = english);
ALTER TEXT SEARCH CONFIGURATION mine ALTER MAPPING FOR asciiword WITH d;
