import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readIfThere, writeIfChanged } from "#lib/whole-file.ts";
import { apiCaller } from "./api-call.ts";
import { type Arguments, type Context } from "./context.ts";
import { requireRoom } from "./disk.ts";
import { SkiffError } from "./errors.ts";
import { rememberHost } from "./host-record.ts";
import { introduce, introduceAgain, introducedFiles, namedKubeconfigs } from "./introduction.ts";
import { withLock } from "./lock.ts";
import { claimsOf, deadInstances, neighbours, publishClaims, requireOwnAddresses } from "./neighbours.ts";
import { removeNetwork } from "./network.ts";
import { contextName, pathsOf } from "./paths.ts";
import { ensurePki } from "./pki/ensure.ts";
import { requireFreePort } from "./ports.ts";
import { type Role, runningClusters } from "./processes.ts";
import { isNodeReady, isServerReady } from "./readiness.ts";
import type { SettingTexts } from "./settings.ts";
import { type Launched, startProgram, waitFor } from "./start.ts";
import { Steps } from "./steps.ts";

const API_TIMEOUT_MS = 60_000;
const NODE_TIMEOUT_MS = 120_000;

/**
 * `skiff up`: starts what does not run yet, and returns when the node is Ready.
 *
 * @param known whether kubectl knows the cluster already: what it knows is kept right then, and nothing else of it changes
 */
export async function up(texts: SettingTexts, args: Arguments, context: Context, { known = false } = {}): Promise<number> {
  const style = args.flags["quiet"] === true ? "quiet" : args.flags["output"] === "json" ? "json" : "text";
  const steps = new Steps(context.clock, context.err, style);
  const { clock, settings } = context;
  const hadDataDir = existsSync(settings.dataDir);
  requireRoom(settings.dataDir);
  const onWait = (holder: string) => steps.note(`waiting: ${holder} is changing this cluster`);
  const started = await withLock(settings.dataDir, { clock, onWait }, async () => {
    try {
      return await start({ texts, args, known, steps, hadDataDir }, context);
    } finally {
      if (!hadDataDir) removeUnused(settings.dataDir);
    }
  });
  await waitUntilReady(started, context, steps);
  steps.note(`Skiff runs. Next: ./skiff kubectl get nodes   (or kubectl, context ${contextName(settings.dataDir)})`);
  return 0;
}

/** A refused start leaves nothing: the lock's folder goes, unless it has become a cluster's. */
function removeUnused(dataDir: string): void {
  if (readdirSync(dataDir).every((name) => name === ".lock")) rmSync(dataDir, { recursive: true });
}

interface Started {
  readonly server: Launched;
  readonly agent: Launched;
  /** When the agent was started; 0 if it ran already. */
  readonly sinceMs: number;
}

interface StartRequest {
  readonly texts: SettingTexts;
  readonly args: Arguments;
  readonly known: boolean;
  readonly steps: Steps;
  readonly hadDataDir: boolean;
}

async function start({ texts, args, known, steps, hadDataDir }: StartRequest, context: Context): Promise<Started> {
  const { settings, clock } = context;
  const clusters = runningClusters();
  const running = clusters.get(settings.dataDir) ?? [];
  const runs = (role: Role) => running.some((info) => info.role === role);
  if (!runs("server")) await requireFreePort(settings.httpsPort, "https-listen-port");
  if (!runs("agent")) await requireFreePort(settings.kubeletPort, "kubelet-port");
  const paths = known ? introducedFiles(settings.dataDir) : namedKubeconfigs(args, context);
  const claims = claimsOf(settings, paths);
  if (!runs("agent")) {
    requireOwnAddresses(claims, neighbours(settings.dataDir, clusters));
    for (const dead of deadInstances(settings.dataDir, clusters)) {
      removeNetwork(dead, []);
      steps.note(`note: removed the network rules of a cluster that does not run any more (${dead})`);
    }
  }
  rememberHost(pathsOf(settings.dataDir), settings.clusterDns, hadDataDir, (text) => steps.note(text));
  publishClaims(claims);
  await steps.run("certificates", () => ensurePki(settings, context.hostname, clock));
  rememberSettings(settings.dataDir, texts);
  const sinceMs = runs("agent") ? 0 : clock.now();
  const server = await startProgram("server", running, texts, context);
  const agent = await startProgram("agent", running, texts, context);
  await steps.run(`kubeconfig ${paths.length === 1 ? paths[0] : "files"}`, () =>
    known ? introduceAgain(context, { server: true }) : introduce(paths, args.flags["no-switch"] !== true, context),
  );
  return { server, agent, sinceMs };
}

/** Without the lock, so that `down` can end a cluster that does not become ready. */
async function waitUntilReady({ server, agent, sinceMs }: Started, context: Context, steps: Steps): Promise<void> {
  const { settings } = context;
  const api = apiCaller(settings);
  const isReady = () => isNodeReady(api, settings.nodeName, sinceMs);
  try {
    await steps.run(`API answers on port ${settings.httpsPort}`, () => waitFor("the API answers", server, API_TIMEOUT_MS, context, () => isServerReady(api)));
    await steps.run(`node ${settings.nodeName} is Ready`, () => waitFor("the node is Ready", agent, NODE_TIMEOUT_MS, context, isReady));
  } finally {
    api.close();
  }
}

/**
 * The settings of the last `up`, which other verbs take where nothing else is said.
 *
 * @throws {SkiffError} SKF-1105
 */
export function rememberedSettings(dataDir: string): SettingTexts {
  const file = settingsFile(dataDir);
  const text = readIfThere(file);
  try {
    return text === undefined ? {} : (JSON.parse(text) as SettingTexts);
  } catch {
    throw new SkiffError("SKF-1105", `${file} is damaged`, {
      reason: "it holds the settings of the last start",
      remedy: "./skiff up with the cluster's flags",
    });
  }
}

export function settingsFile(dataDir: string): string {
  return join(dataDir, "settings.json");
}

function rememberSettings(dataDir: string, texts: SettingTexts): void {
  writeIfChanged(settingsFile(dataDir), `${JSON.stringify(texts)}\n`);
}
