"""The body of a container's create call, laid out as Compose lays it out: pure, no engine, no SDK."""
