import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { apiCaller } from "./api-call.ts";
import { type Arguments, type Context, textFlag } from "./context.ts";
import { configOwner, kubeconfigPaths, mergeKubeconfig, writeKubeconfig } from "./kubeconfig-files.ts";
import type { Stanzas } from "./kubeconfig.ts";
import { withLock } from "./lock.ts";
import { contextName, pathsOf } from "./paths.ts";
import { ensurePki } from "./pki/ensure.ts";
import { requireFreePort } from "./ports.ts";
import { clusterProcesses, type ProcessInfo } from "./processes.ts";
import { isNodeReady, isServerReady } from "./readiness.ts";
import type { SettingTexts } from "./settings.ts";
import { startProgram, waitFor } from "./start.ts";
import { Steps } from "./steps.ts";

const API_TIMEOUT_MS = 60_000;
const NODE_TIMEOUT_MS = 120_000;

/** `skiff up`: starts what does not run yet, and returns when the node is Ready. */
export async function up(texts: SettingTexts, args: Arguments, context: Context): Promise<number> {
  const style = args.flags["quiet"] === true ? "quiet" : args.flags["output"] === "json" ? "json" : "text";
  const steps = new Steps(context.clock, context.err, style);
  const started = await withLock(context.settings.dataDir, () => start(texts, args, context, steps));
  await waitUntilReady(started, context, steps);
  steps.note(`Skiff runs. Next: ./skiff kubectl get nodes   (or kubectl, context ${contextName(context.settings.dataDir)})`);
  return 0;
}

interface Started {
  readonly server: ProcessInfo;
  readonly agent: ProcessInfo;
  /** When the agent was started; 0 if it ran already. */
  readonly sinceMs: number;
}

async function start(texts: SettingTexts, args: Arguments, context: Context, steps: Steps): Promise<Started> {
  const { settings } = context;
  const roles = new Set(clusterProcesses(settings.dataDir).map(({ role }) => role));
  if (!roles.has("server")) await requireFreePort(settings.httpsPort, "https-listen-port");
  if (!roles.has("agent")) await requireFreePort(settings.kubeletPort, "kubelet-port");
  await steps.run("certificates", () => ensurePki(settings, context.hostname, context.clock));
  rememberSettings(settings.dataDir, texts);
  const sinceMs = roles.has("agent") ? 0 : context.clock.now();
  const server = await startProgram("server", texts, context);
  const agent = await startProgram("agent", texts, context);
  const paths = kubeconfigPaths(textFlag(args, "kubeconfig"), context.env["KUBECONFIG"], configOwner(context.env, readPasswd()).home);
  await steps.run(`kubeconfig ${paths.length === 1 ? paths[0] : "files"}`, () => introduce(paths, args, context));
  return { server, agent, sinceMs };
}

/** Without the lock, so that `down` can end a cluster that does not become ready. */
async function waitUntilReady({ server, agent, sinceMs }: Started, context: Context, steps: Steps): Promise<void> {
  const { settings } = context;
  const api = apiCaller(settings);
  const isReady = () => isNodeReady(api, settings.nodeName, sinceMs);
  try {
    await steps.run(`API answers on port ${settings.httpsPort}`, () =>
      waitFor("the API answers", "server", server, API_TIMEOUT_MS, context, () => isServerReady(api)),
    );
    await steps.run(`node ${settings.nodeName} is Ready`, () => waitFor("the node is Ready", "agent", agent, NODE_TIMEOUT_MS, context, isReady));
  } finally {
    api.close();
  }
}

/** Makes kubectl know the cluster, and keeps what `down --purge` needs to undo it. */
async function introduce(paths: readonly string[], args: Arguments, context: Context): Promise<void> {
  const { dataDir, httpsPort } = context.settings;
  const { serverTls } = pathsOf(dataDir);
  const read = (file: string) => readFileSync(file, "utf8");
  const stanzas: Stanzas = {
    name: contextName(dataDir),
    server: `https://127.0.0.1:${httpsPort}`,
    ca: read(serverTls.ca),
    certificate: read(serverTls.admin),
    key: read(serverTls.adminKey),
  };
  await writeKubeconfig(adminKubeconfig(dataDir), stanzas);
  const previous = await mergeKubeconfig(paths, stanzas, args.flags["no-switch"] !== true, configOwner(context.env, readPasswd()));
  const known = readIntroduction(dataDir);
  const files = [...new Set([...known.files, ...paths])];
  writeFileSync(introductionFile(dataDir), JSON.stringify({ files, previous: previous === stanzas.name ? known.previous : previous }), { mode: 0o600 });
}

export interface Introduction {
  readonly files: readonly string[];
  /** The context that was current before ours. */
  readonly previous: string;
}

export function readIntroduction(dataDir: string): Introduction {
  const file = introductionFile(dataDir);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Introduction) : { files: [], previous: "" };
}

/** A kubeconfig with this cluster alone; `skiff kubectl` uses it. */
export function adminKubeconfig(dataDir: string): string {
  return join(dataDir, "server/admin.kubeconfig");
}

/** The settings of the last `up`, which other verbs take where nothing else is said. */
export function rememberedSettings(dataDir: string): SettingTexts {
  const file = join(dataDir, "settings.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as SettingTexts) : {};
}

export function readPasswd(): string {
  return readFileSync("/etc/passwd", "utf8");
}

function rememberSettings(dataDir: string, texts: SettingTexts): void {
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(join(dataDir, "settings.json"), `${JSON.stringify(texts)}\n`, { mode: 0o600 });
}

function introductionFile(dataDir: string): string {
  return join(dataDir, "server/introduction.json");
}
