SELECT ((((((((((1)))))))))) AS n, (SELECT (SELECT (SELECT ';'))) AS s INTO t;
/* a /* b /* c /* d */ */ */ */
