CREATE TABLE people (id int, name text, born date);
\copy people from 'data/people.csv' with (format csv, header)
\copy people (id, name) FROM data/people.txt
\copy (select 1) to stdout
CREATE INDEX ON people (name);
