import { resolve } from "node:path";
import { explained } from "#cli/disk.ts";
import { formatError, SkiffError } from "#cli/errors.ts";
import type { HandOver } from "#cli/hand-over.ts";
import { main } from "#cmd/main.ts";
import { systemClock } from "#lib/system-clock.ts";

/** The installation's folder; the launcher names it, as the bundle lies elsewhere than this file. */
const home = process.env["SKIFF_HOME"] ?? resolve(import.meta.dirname, "..");

async function run(): Promise<void> {
  process.exitCode = await main(
    process.argv.slice(2),
    {
      clock: systemClock,
      env: process.env,
      out: (text) => void process.stdout.write(text),
      err: (text) => void process.stderr.write(text),
      self: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
      home,
      handOver,
    },
    {
      server: async (config, deps) => (await import("#cmd/server.ts")).runServer(config, deps),
      agent: async (config, deps) => (await import("#cmd/agent.ts")).runAgent(config, deps),
    },
  );
}

/** The other program takes this one's process. */
function handOver({ file, words, env }: HandOver): never {
  const { execve } = process;
  if (execve === undefined) throw new Error("this Node cannot hand over its process");
  return execve.call(process, file, words, definedOnly(env));
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** Programs end by themselves when their work is done; what they left open must not keep them. */
run().then(
  () => process.exit(),
  (thrown: unknown) => {
    const error = explained(thrown);
    const known = error instanceof SkiffError;
    process.stderr.write(known ? formatError(error) : `${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(known ? error.exitCode : 1);
  },
);
