CREATE EXTENSION file_fdw; CREATE EXTENSION postgres_fdw;
CREATE SERVER files FOREIGN DATA WRAPPER file_fdw;
CREATE FOREIGN TABLE passwd (line text) SERVER files OPTIONS (filename '/nowhere;', format 'text');
CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host 'nowhere', dbname 'x;y');
CREATE USER MAPPING FOR CURRENT_USER SERVER other OPTIONS (user 'u');
