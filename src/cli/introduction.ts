import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeIfChanged } from "#lib/whole-file.ts";
import { type Arguments, type Context, textFlag } from "./context.ts";
import { type Access, configOwner, kubeconfigPaths, mergeKubeconfig, removeFromKubeconfig, renewInKubeconfig, writeKubeconfig } from "./kubeconfig-files.ts";
import type { Stanzas } from "./kubeconfig.ts";
import { contextName, pathsOf } from "./paths.ts";

/** Which files know the cluster; kept for `down --purge`, and for when the administrator's certificate is renewed. */
interface Introduction {
  readonly files: readonly string[];
  /** Of those, the ones that were not there before. */
  readonly made: readonly string[];
  /** The context that was current before ours. */
  readonly previous: string;
}

/** A kubeconfig with this cluster alone; `skiff kubectl` uses it. */
export function adminKubeconfig(dataDir: string): string {
  return join(dataDir, "server/admin.kubeconfig");
}

/** The files that the command line or the environment name. */
export function namedKubeconfigs(args: Arguments, { env }: Pick<Context, "env">): readonly string[] {
  return kubeconfigPaths(textFlag(args, "kubeconfig"), env["KUBECONFIG"], ownerOf(env).home);
}

/** The files that know the cluster, without those that somebody has removed since. */
export function introducedFiles(dataDir: string): readonly string[] {
  return readIntroduction(dataDir).files.filter((file) => existsSync(file));
}

/** Makes kubectl know the cluster. */
export async function introduce(paths: readonly string[], switchContext: boolean, context: Context): Promise<void> {
  const { dataDir } = context.settings;
  const stanzas = stanzasOf(context);
  await writeKubeconfig(adminKubeconfig(dataDir), stanzas);
  const { previous, made } = await mergeKubeconfig(paths, stanzas, switchContext, accessOf(context));
  const known = readIntroduction(dataDir);
  const unique = (files: readonly string[]) => [...new Set(files)];
  const introduction: Introduction = {
    files: unique([...known.files, ...paths]),
    made: unique([...known.made, ...made]),
    previous: previous === stanzas.name ? known.previous : previous,
  };
  writeIfChanged(introductionFile(dataDir), `${JSON.stringify(introduction)}\n`);
}

/**
 * Gives the administrator's new certificate to the files that still have the old one.
 *
 * @param server also tell them where the server is now
 */
export async function introduceAgain(context: Context, { server = false } = {}): Promise<void> {
  const { dataDir } = context.settings;
  const stanzas = stanzasOf(context);
  await writeKubeconfig(adminKubeconfig(dataDir), stanzas);
  const sections = server ? (["clusters", "users"] as const) : (["users"] as const);
  await renewInKubeconfig(readIntroduction(dataDir).files, stanzas, accessOf(context), sections);
}

/** Makes kubectl forget the cluster: in the files that are known to know it, and in those that are named now. */
export async function sayGoodbye(args: Arguments, context: Context): Promise<void> {
  const { dataDir } = context.settings;
  const { files, made, previous } = readIntroduction(dataDir);
  const paths = [...new Set([...files, ...namedKubeconfigs(args, context)])];
  await removeFromKubeconfig(paths, { name: contextName(dataDir), previous, made }, accessOf(context));
}

function stanzasOf({ settings: { dataDir, httpsPort } }: Context): Stanzas {
  const { ca, admin, adminKey } = pathsOf(dataDir).serverTls;
  const read = (file: string) => readFileSync(file, "utf8");
  return { name: contextName(dataDir), server: `https://127.0.0.1:${httpsPort}`, ca: read(ca), certificate: read(admin), key: read(adminKey) };
}

function accessOf({ env, clock }: Context): Access {
  return { owner: ownerOf(env), clock };
}

function ownerOf(env: Context["env"]) {
  return configOwner(env, readFileSync("/etc/passwd", "utf8"));
}

const STRANGER: Introduction = { files: [], made: [], previous: "" };

/** What is lost here can be found again: the stanzas have the cluster's name. */
function readIntroduction(dataDir: string): Introduction {
  try {
    return { ...STRANGER, ...(JSON.parse(readFileSync(introductionFile(dataDir), "utf8")) as Partial<Introduction>) };
  } catch {
    return STRANGER;
  }
}

function introductionFile(dataDir: string): string {
  return join(dataDir, "server/introduction.json");
}
