CREATE EXTENSION btree_gist;
CREATE TABLE booking (room int, during daterange, EXCLUDE USING gist (room WITH =, during WITH &&));
INSERT INTO booking VALUES (1, '[2026-01-01,2026-01-05)'), (1, '[2026-01-05,2026-01-07)');
