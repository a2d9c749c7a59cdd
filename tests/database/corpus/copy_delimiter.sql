CREATE TABLE t (a text, b text);
COPY t FROM stdin DELIMITER '|' NULL 'none';
x;|none
'|"
\.
COPY t FROM stdin (DELIMITER ';', ENCODING 'UTF8');
ä;ö
\.
