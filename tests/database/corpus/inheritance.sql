CREATE TABLE parent (id int PRIMARY KEY, kind text DEFAULT 'p;');
CREATE TABLE child (extra text) INHERITS (parent);
INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2, 'c', 'x');
UPDATE ONLY parent SET kind = 'only'; ALTER TABLE parent ADD COLUMN late int DEFAULT 4;
