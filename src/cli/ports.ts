import { execFile } from "node:child_process";
import { createServer } from "node:net";
import { SkiffError } from "./errors.ts";

/** @throws {SkiffError} SKF-1101 naming who has the port */
export async function requireFreePort(port: number, flag: string): Promise<void> {
  if (await isFree(port)) return;
  const owner = parseOwner(await listenersOn(port));
  throw new SkiffError("SKF-1101", `port ${port} is in use by ${owner ?? "another program"}`, {
    reason: `skiff needs it (--${flag})`,
    remedy: `./skiff up --${flag} ${port === 65_535 ? port - 1 : port + 1}`,
  });
}

/** Reads the first line of `ss -Hltnp`: `haproxy (pid 812)`. */
export function parseOwner(listing: string): string | undefined {
  const match = /users:\(\("([^"]*)",pid=(\d+)/.exec(listing);
  return match === null ? undefined : `${match[1]} (pid ${match[2]})`;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen({ port, host: "0.0.0.0", exclusive: true }, () => server.close(() => resolve(true)));
  });
}

function listenersOn(port: number): Promise<string> {
  return new Promise((resolve) => {
    execFile("ss", ["-Hltnp", `sport = :${port}`], (_error, stdout) => resolve(stdout));
  });
}
