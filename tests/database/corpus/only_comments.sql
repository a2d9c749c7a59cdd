-- a file of comments
/* and
   nothing /* at all */ else */
