import { existsSync } from "node:fs";
import { type Arguments, type Context, textFlag } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { withLock } from "./lock.ts";
import { clusterProcesses } from "./processes.ts";
import type { SettingTexts } from "./settings.ts";
import { stopPrograms } from "./stop.ts";
import { settingsFile, up } from "./up.ts";

/**
 * `skiff restart`: server and agent anew. The kubeconfigs that know the cluster are kept right; no context is switched, and
 * no other file learns of it, unless one is named.
 *
 * @throws {SkiffError} SKF-0301 when there is no cluster
 */
export async function restart(texts: SettingTexts, args: Arguments, context: Context): Promise<number> {
  const { clock, settings } = context;
  const { dataDir } = settings;
  if (!existsSync(settingsFile(dataDir)) && clusterProcesses(dataDir).length === 0) {
    throw new SkiffError("SKF-0301", `there is no cluster in ${dataDir}`, { remedy: "./skiff up" });
  }
  await withLock(dataDir, { clock }, () => stopPrograms(dataDir, clock));
  return up(texts, { ...args, flags: { ...args.flags, "no-switch": true } }, context, { known: textFlag(args, "kubeconfig") === undefined });
}
