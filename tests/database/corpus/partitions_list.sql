CREATE TABLE sale (region text, n int) PARTITION BY LIST (region);
CREATE TABLE sale_eu PARTITION OF sale FOR VALUES IN ('de;', 'fr', NULL);
CREATE TABLE sale_us (LIKE sale);
ALTER TABLE sale ATTACH PARTITION sale_us FOR VALUES IN ('us');
INSERT INTO sale VALUES ('de;', 1), ('us', 2), (NULL, 3);
ALTER TABLE sale DETACH PARTITION sale_us;
