CREATE TABLE customer (id int PRIMARY KEY, name text NOT NULL, joined date DEFAULT '2026-01-01');
INSERT INTO customer (id, name) VALUES (1, 'Ada'), (2, 'Grace');
UPDATE customer SET name = upper(name) WHERE id = 2;
DELETE FROM customer WHERE id = 1;
