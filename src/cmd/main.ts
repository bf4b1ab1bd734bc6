import { hostname } from "node:os";
import { join, resolve } from "node:path";
import { parseCommandLine, type CommandLine } from "#cli/command-line.ts";
import { completion } from "#cli/completion.ts";
import { DEFAULT_CONFIG_FILE, readConfigFile } from "#cli/config-file.ts";
import { type Arguments, type Context, textFlag } from "#cli/context.ts";
import { down } from "#cli/down.ts";
import { SkiffError } from "#cli/errors.ts";
import { explain } from "#cli/explain.ts";
import { type HandOver, kubectl, logs } from "#cli/hand-over.ts";
import { image } from "#cli/image.ts";
import { nodeAddress } from "#cli/node-address.ts";
import { DEFAULT_DATA_DIR } from "#cli/paths.ts";
import { clusterProcesses } from "#cli/processes.ts";
import { restart } from "#cli/restart.ts";
import { secretsEncrypt } from "#cli/secrets-encrypt.ts";
import { givenTexts, readSettings, type SettingTexts } from "#cli/settings.ts";
import { status } from "#cli/status.ts";
import { rememberedSettings, up } from "#cli/up.ts";
import { helpOf, overview } from "#cli/verbs.ts";
import { version } from "#cli/version.ts";
import type { Clock } from "#lib/clock.ts";
import { silentLogger } from "#lib/logger.ts";
import type { Programs } from "./process-deps.ts";
import { runProgram } from "./run-program.ts";

export interface Machine {
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
  /** How this program is started, without its arguments. */
  readonly self: readonly [string, ...string[]];
  /** The repository's or installation's folder. */
  readonly home: string;
  readonly handOver: (other: HandOver) => never;
}

/**
 * Runs one verb.
 *
 * @param words the command line after the program's name
 * @returns the exit code
 * @throws {SkiffError} for the caller to print
 */
export async function main(words: readonly string[], machine: Machine, programs: Programs): Promise<number> {
  const line = parseCommandLine(words);
  const { verb, arguments: args } = line;
  if (args.flags["help"] === true || verb.name === "help") {
    machine.out(verb.name === "help" ? overview() : helpOf(verb));
    return 0;
  }
  if (verb.name === "completion") return print(machine, completion(args.positionals[0]));
  if (verb.name === "explain") return print(machine, explain(args.positionals[0]));
  if (verb.name === "version") return print(machine, version(args, machine.home));
  const given = givenTexts(args.flags, machine.env);
  const fresh = ["up", "server", "agent"].includes(verb.name);
  const texts = fresh ? given : { ...remembered(verb.name, given), ...given };
  return runInContext(line, texts, await contextOf(args, texts, machine), machine, programs);
}

async function runInContext(
  { verb, arguments: args }: CommandLine,
  texts: SettingTexts,
  context: Context,
  machine: Machine,
  programs: Programs,
): Promise<number> {
  switch (verb.name) {
    case "up":
      await checkSettings(context);
      return up(texts, args, context);
    case "down":
      return down(args, context);
    case "restart":
      return restart(texts, args, context);
    case "status":
      return status(args, context);
    case "image":
      return image(args, context);
    case "secrets-encrypt":
      return secretsEncrypt(args, context);
    case "datastore":
      return (await import("./datastore-migrate.ts")).datastore(args, context);
    case "kubectl":
      return machine.handOver(kubectl(args, context));
    case "logs":
      return machine.handOver(logs(args, context));
    case "server":
    case "agent":
      return runProgram(verb.name, context, machine, programs);
    default:
      throw new SkiffError("SKF-0201", `${verb.name} is started by ./skiff`, { remedy: `./skiff ${verb.name}` });
  }
}

/** What a start would stumble over in the background. */
async function checkSettings({ settings: { datastore, dataDir }, clock }: Context): Promise<void> {
  if (datastore === undefined || clusterProcesses(dataDir).some(({ role }) => role === "server")) return;
  const { checkDatastore } = await import("./datastore.ts"); // the embedded store's users need none of it
  await checkDatastore(datastore, { clock, logger: silentLogger });
}

async function contextOf(args: Arguments, texts: SettingTexts, machine: Machine): Promise<Context> {
  const { clock, out, err, self, home } = machine;
  const named = textFlag(args, "config") ?? machine.env["SKIFF_CONFIG"];
  const configFile = named === undefined ? undefined : resolve(named);
  // Server and agent start elsewhere, and read the same file.
  const env = configFile === undefined ? machine.env : { ...machine.env, SKIFF_CONFIG: configFile };
  const file = await readConfigFile(configFile ?? DEFAULT_CONFIG_FILE, configFile !== undefined);
  const settings = readSettings({ flags: texts, file }, { hostname: hostname(), nodeIp: nodeAddress() });
  return { clock, env, out, err, self, settings, hostname: hostname(), home, supervisor: join(home, "bin/supervise") };
}

/** What a damaged file holds must not keep a cluster from being stopped. */
function remembered(verb: string, given: SettingTexts): SettingTexts {
  try {
    return rememberedSettings(resolve(given["data-dir"] ?? DEFAULT_DATA_DIR));
  } catch (error) {
    if (verb === "down") return {};
    throw error;
  }
}

function print(machine: Machine, text: string): number {
  machine.out(text);
  return 0;
}
