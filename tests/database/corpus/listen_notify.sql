LISTEN news;
CREATE TABLE t (n int);
NOTIFY news, 'a;b'; SELECT pg_notify('news', 'c');
UNLISTEN *;
