import { flushCompileCache } from "node:module";
import { getHeapStatistics } from "node:v8";
import type { Context } from "#cli/context.ts";
import { SkiffError } from "#cli/errors.ts";
import { rememberHost } from "#cli/host-record.ts";
import { introduceAgain } from "#cli/introduction.ts";
import { withLock } from "#cli/lock.ts";
import { pathsOf } from "#cli/paths.ts";
import { ensurePki, isPkiGood, requireAgentPki } from "#cli/pki/ensure.ts";
import { CLUSTER_VARIABLE } from "#cli/processes.ts";
import { logFile } from "#cli/start.ts";
import { boundedLog } from "#lib/bounded-log.ts";
import type { Clock } from "#lib/clock.ts";
import { IdleMemory } from "#lib/idle-memory.ts";
import { jsonLogger, type Logger } from "#lib/logger.ts";
import { ownMemory } from "#lib/process-memory.ts";
import { systemRng } from "#lib/rng.ts";
import { existsSync } from "node:fs";
import { agentConfig } from "./agent-config.ts";
import type { Machine } from "./main.ts";
import type { ProcessDeps, Programs } from "./process-deps.ts";
import { serviceNotifier, withoutNotifier } from "./notify.ts";
import { serverConfig } from "./server-config.ts";

/** After this time the modules that a start needs are loaded, and their compiled code can be kept. */
const FLUSH_DELAY_MS = 5000;

/** Runs a server or an agent until it is told to stop. */
export async function runProgram(name: "server" | "agent", context: Context, machine: Machine, programs: Programs): Promise<number> {
  const { settings } = context;
  if (machine.env[CLUSTER_VARIABLE] !== settings.dataDir) restartMarked(name, context, machine);
  const ownsCa = existsSync(pathsOf(settings.dataDir).serverTls.caKey);
  const logger = jsonLogger(boundedLog(context.err, logFile(settings.dataDir, name)), context.clock, settings.logLevel);
  const keepPki = name === "server" || ownsCa ? pkiKeeper(context, logger) : async () => requireAgentPki(settings);
  await keepPki();
  if (name === "agent") rememberHost(pathsOf(settings.dataDir), settings.clusterDns, true, (text) => context.err(`${text}\n`));
  const deps = processDeps(context, machine, logger, keepPki);
  deps.logger.info(`${name} starts`, { dataDir: settings.dataDir });
  // Node itself ends the process then; this leaves a line that log readers understand.
  process.on("uncaughtExceptionMonitor", (error) => deps.logger.error(`${name} ends by an error that nobody handled`, { error }));
  try {
    await (name === "server" ? programs.server(serverConfig(settings), deps) : programs.agent(agentConfig(settings), deps));
  } catch (error) {
    if (error instanceof SkiffError) throw error;
    deps.logger.error(`${name} failed`, { error });
    return 1;
  }
  deps.logger.info(`${name} stopped`);
  return 0;
}

/** Mostly all is well, as `up` has looked, too; if not, nobody else may write the same files. */
function pkiKeeper(context: Context, logger: Logger): () => Promise<void> {
  const { settings, hostname, clock } = context;
  let owesKubeconfigs = false;
  return async () => {
    if (!isPkiGood(settings, hostname, clock)) {
      const written = await withLock(settings.dataDir, { clock }, () => ensurePki(settings, hostname, clock));
      if (written.includes(pathsOf(settings.dataDir).serverTls.admin)) owesKubeconfigs = true;
    }
    if (!owesKubeconfigs) return;
    try {
      await introduceAgain(context);
      owesKubeconfigs = false;
    } catch (error) {
      logger.error("a kubeconfig could not be given the new certificate", { error });
    }
  };
}

function processDeps({ clock }: Context, { env }: Machine, logger: Logger, renewCertificates: ProcessDeps["renewCertificates"]): ProcessDeps {
  const stop = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort(new Error(`${signal} received`)));
  const notify = serviceNotifier(env);
  stop.signal.addEventListener("abort", () => notify("STOPPING=1"));
  const onReady = () => {
    notify("READY=1", "STATUS=ready");
    clock.after(FLUSH_DELAY_MS, flushCompileCache);
    idleMemory(clock).start();
  };
  return { clock, rng: systemRng, logger, env: withoutNotifier(env), renewCertificates, signal: stop.signal, onReady };
}

function idleMemory(clock: Clock): IdleMemory {
  const cpuMs = () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  };
  return new IdleMemory({ clock, memory: ownMemory(), cpuMs, heapBytes: () => getHeapStatistics().used_heap_size });
}

/** The mark must stand in the environment that the kernel shows, which only a start can set. */
function restartMarked(name: string, { settings, self }: Context, { env, handOver }: Machine): never {
  const [file, ...words] = self;
  return handOver({ file, words: [file, ...words, name, ...process.argv.slice(3)], env: { ...env, [CLUSTER_VARIABLE]: settings.dataDir } });
}
