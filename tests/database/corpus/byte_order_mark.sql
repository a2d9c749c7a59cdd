CREATE TABLE größe (straße text);
INSERT INTO größe VALUES ('naïve');
