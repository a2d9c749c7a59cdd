\set name 'O''Brien; jr'
\set tab orders
\set n 42
CREATE TABLE :tab (id int DEFAULT :n, owner text DEFAULT :'name', "a:tab" text);
CREATE TABLE :"name" (id int);
INSERT INTO :tab VALUES (:n, 'no :n here', :'tab');
SELECT id::text, (ARRAY[1,2,3])[1:2], :n::text FROM :tab;
\unset n
SELECT (ARRAY[4,5,6])[1:2];
