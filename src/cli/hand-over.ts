import { existsSync } from "node:fs";
import { join } from "node:path";
import { type Arguments, type Context } from "./context.ts";
import { SkiffError } from "./errors.ts";
import { adminKubeconfig } from "./introduction.ts";
import { pathsOf } from "./paths.ts";
import { logFile } from "./start.ts";

/** Another program that takes this process's place. */
export interface HandOver {
  readonly file: string;
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** `skiff kubectl …`: the machine's kubectl, or the one that the tests unpacked. */
export function kubectl(args: Arguments, { settings, env, home }: Context): HandOver {
  const config = adminKubeconfig(settings.dataDir);
  if (!existsSync(config)) throw new SkiffError("SKF-0301", "there is no cluster to talk to", { reason: `${config} does not exist` });
  const candidates = [...(env["PATH"] ?? "").split(":").map((folder) => join(folder, "kubectl")), join(home, "dist/kubectl")];
  const file = candidates.find((candidate) => existsSync(candidate));
  if (file === undefined) {
    const reason = "Skiff brings no kubectl of its own";
    throw new SkiffError("SKF-1401", "kubectl is not installed", {
      reason,
      remedy: "see https://kubernetes.io/docs/tasks/tools/, or: apt-get install kubernetes-client",
    });
  }
  return { file, words: ["kubectl", ...args.positionals], env: { ...env, KUBECONFIG: config } };
}

/** `skiff logs`: the last lines of one program's log or of both. */
export function logs(args: Arguments, { settings, env }: Context): HandOver {
  const known = ["server", "agent", "containerd"];
  const wanted = args.positionals.length > 0 ? args.positionals : ["server", "agent"];
  const stranger = wanted.find((name) => !known.includes(name));
  if (stranger !== undefined) throw new SkiffError("SKF-0201", `there is no log ${JSON.stringify(stranger)}`, { remedy: "./skiff logs server" });
  const files = wanted.map((name) => logFile(settings.dataDir, name)).filter(existsSync);
  if (files.length === 0)
    throw new SkiffError("SKF-1401", "there are no logs yet", { reason: `${pathsOf(settings.dataDir).logsDir} is empty`, remedy: "./skiff up" });
  const follow = args.flags["follow"] === true ? ["-F"] : [];
  return { file: "/usr/bin/tail", words: ["tail", "-n", "200", ...follow, ...files], env };
}
