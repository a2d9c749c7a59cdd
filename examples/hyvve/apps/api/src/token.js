import { createHmac } from "node:crypto";

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

/** A JSON Web Token (HS256) that lets its bearer see one workspace in AgentOS for a minute. */
export function tokenFor(workspace, secret, now = Date.now()) {
  const exp = Math.floor(now / 1000) + 60;
  const body = `${encoded({ alg: "HS256", typ: "JWT" })}.${encoded({ aud: "agentos", exp, workspace })}`;
  return `${body}.${createHmac("sha256", secret).update(body).digest("base64url")}`;
}
