// What the API reads from its environment.

const NEEDED = {
  DATABASE_URL: "where PostgreSQL is",
  REDIS_URL: "where Redis is",
  AGENTOS_URL: "where AgentOS is",
  BETTER_AUTH_SECRET: "what its requests to AgentOS are signed with",
};

/** The settings. Throws an Error that names everything that is missing. */
export function readSettings(environment = process.env, names = Object.keys(NEEDED)) {
  const missing = names.filter((name) => !environment[name]);
  if (missing.length > 0) {
    const lines = missing.map((name) => `  ${name}: ${NEEDED[name]}`);
    throw new Error(["the environment is not usable; not set:", ...lines].join("\n"));
  }
  return {
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
    agentosUrl: environment.AGENTOS_URL,
    secret: environment.BETTER_AUTH_SECRET,
    port: Number(environment.PORT ?? 3001),
  };
}
