import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { API_VERSION, type Arguments, type Context, textFlag } from "#cli/context.ts";
import { SkiffError } from "#cli/errors.ts";
import { withLock } from "#cli/lock.ts";
import { pathsOf } from "#cli/paths.ts";
import { clusterProcesses, holdersOf } from "#cli/processes.ts";
import { supervisorOf } from "#cli/start.ts";
import { Steps } from "#cli/steps.ts";
import { silentLogger } from "#lib/logger.ts";
import { openEtcdStore } from "#storage/etcd/etcd-store.ts";
import { EtcdTarget } from "#storage/etcd/etcd-target.ts";
import { migrate, type MigrationReport, type MigrationTarget, SourceChangedError, TargetNotEmptyError } from "#storage/migration.ts";
import { openSqliteStore } from "#storage/sqlite/sqlite-store.ts";
import { SqliteTarget } from "#storage/sqlite/sqlite-target.ts";
import type { Store } from "#storage/store.ts";
import { etcdOptions, told } from "./datastore.ts";

/** One end of a migration. */
interface Place {
  /** For messages; without what is secret. */
  readonly name: string;
  /** The database's file; absent for etcd. */
  readonly path?: string;
  open(): Promise<Store>;
  target(): MigrationTarget;
}

const HELP = "./skiff datastore migrate --help";
const CHECK_TIMEOUT_MS = 5000;

/** `skiff datastore migrate`: copies the state; neither changes the source nor starts anything. */
export async function datastore(args: Arguments, context: Context): Promise<number> {
  if (args.positionals.join(" ") !== "migrate") throw new SkiffError("SKF-0201", "datastore: the word migrate is missing", { remedy: HELP });
  const from = placeOf("from", args, context);
  const to = placeOf("to", args, context);
  if ((from.path === undefined) === (to.path === undefined)) throw new SkiffError("SKF-0201", "one of --from and --to must be etcd", { remedy: HELP });
  const json = args.flags["output"] === "json";
  const steps = new Steps(context.clock, context.err, args.flags["quiet"] === true ? "quiet" : json ? "json" : "text");
  const report = await withLock(context.settings.dataDir, { clock: context.clock }, () => copy(from, to, steps, context));
  if (json) context.out(`${JSON.stringify({ apiVersion: API_VERSION, kind: "Migration", from: from.name, to: to.name, ...report })}\n`);
  steps.note(`${report.entries} objects, ${report.bytes} bytes, SHA-256 ${report.sha256.slice(0, 16)}…; ${from.name} is as it was.`);
  steps.note(`Next: ./skiff up ${to.path === undefined ? `--datastore-endpoint ${to.name} …` : "(without --datastore-endpoint)"}`);
  return 0;
}

function placeOf(flag: "from" | "to", args: Arguments, { settings, clock }: Context): Place {
  const word = textFlag(args, flag) ?? "";
  if (word === "etcd") {
    if (settings.datastore === undefined) throw new SkiffError("SKF-0201", `--${flag} etcd: --datastore-endpoint is missing`, { remedy: HELP });
    const options = { ...etcdOptions(settings.datastore, { clock, logger: silentLogger }), onLost: () => {}, openTimeoutMs: CHECK_TIMEOUT_MS };
    return { name: options.endpoints.join(","), open: () => openEtcdStore(options), target: () => new EtcdTarget(options) };
  }
  if (word !== "embedded" && !word.includes("/")) throw new SkiffError("SKF-0201", `--${flag}: embedded, etcd or a file's path is missing`, { remedy: HELP });
  const path = word === "embedded" ? pathsOf(settings.dataDir).database : resolve(word);
  return { name: path, path, open: () => openSqliteStore({ path }), target: () => new SqliteTarget(path) };
}

async function copy(from: Place, to: Place, steps: Steps, { settings }: Context): Promise<MigrationReport> {
  const running = clusterProcesses(settings.dataDir);
  if (running.some(({ role }) => role === "server") || supervisorOf(running, "server") !== undefined) {
    throw new SkiffError("SKF-1110", "the cluster's server runs", { remedy: `./skiff down --data-dir ${settings.dataDir}` });
  }
  if (from.path !== undefined) refuseUnusable(from.path);
  if (to.path !== undefined) mkdirSync(dirname(to.path), { recursive: true, mode: 0o700 });
  const source = await told(() => from.open());
  try {
    const target = to.target();
    try {
      return await steps.run(`${from.name} → ${to.name}`, () => told(() => migrate(source, from.name, target)));
    } finally {
      await target.close();
    }
  } catch (error) {
    throw inUsersWords(error, to);
  } finally {
    await source.close();
  }
}

function refuseUnusable(path: string): void {
  if (!existsSync(path)) throw new SkiffError("SKF-1401", `${path} does not exist`, { remedy: HELP });
  const [pid] = holdersOf(realpathSync(path));
  if (pid !== undefined) throw new SkiffError("SKF-1110", `${path} is in use by process ${pid}`, { remedy: `stop its server, or: kill ${pid}` });
}

function inUsersWords(error: unknown, { path }: Place): unknown {
  if (error instanceof TargetNotEmptyError) {
    const remedy = path === undefined ? HELP : `move it away: for file in ${path}*; do mv $file $file.old; done`;
    return new SkiffError("SKF-1110", `the target is not empty: ${error.message}`, { remedy });
  }
  if (error instanceof SourceChangedError) return new SkiffError("SKF-1110", error.message, { remedy: "stop all servers, and run the command again" });
  return error;
}
