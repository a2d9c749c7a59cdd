\i include_files/tables.inc
\ir include_files/rows.inc
INSERT INTO included VALUES (100, :'last');
\include include_files/rows.inc
