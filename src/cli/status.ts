import { existsSync } from "node:fs";
import { formatTime } from "#lib/clock.ts";
import { apiCaller } from "./api-call.ts";
import { API_VERSION, type Arguments, type Context } from "./context.ts";
import { pathsOf } from "./paths.ts";
import { type Authority, readAuthority } from "./pki/authority.ts";
import { clusterProcesses } from "./processes.ts";
import { isServerReady, type NodeState, nodeStates } from "./readiness.ts";
import { supervisorOf } from "./start.ts";

/** Stable: programs read it. */
export interface ClusterStatus {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Status";
  readonly state: "running" | "degraded" | "stopped";
  readonly dataDir: string;
  readonly server: Program & { readonly ready: boolean; readonly url: string };
  readonly agent: Program;
  readonly containerd: { readonly pid: number | null };
  readonly nodes: readonly NodeState[];
  /** What should be looked after, though all may be well now. */
  readonly warnings: readonly string[];
}

interface Program {
  readonly pid: number | null;
  /** Whether it is started again when it ends. */
  readonly supervised: boolean;
}

const WARN_MS = 90 * 86_400_000;

const EXIT_CODES = { running: 0, degraded: 4, stopped: 3 } as const;

/** `skiff status`: exit code 0 when all is well, 4 when something is not, 3 when nothing runs. */
export async function status(args: Arguments, context: Context): Promise<number> {
  const found = await gatherStatus(context);
  context.out(args.flags["output"] === "json" ? `${JSON.stringify(found, undefined, 2)}\n` : formatStatus(found));
  return EXIT_CODES[found.state];
}

async function gatherStatus({ settings, clock }: Context): Promise<ClusterStatus> {
  const processes = clusterProcesses(settings.dataDir);
  const pidOf = (role: string) => processes.find((info) => info.role === role)?.pid ?? null;
  const program = (role: "server" | "agent") => ({ pid: pidOf(role), supervised: supervisorOf(processes, role) !== undefined });
  let ready = false;
  let nodes: readonly NodeState[] = [];
  if (pidOf("server") !== null && existsSync(pathsOf(settings.dataDir).serverTls.admin)) {
    const api = apiCaller(settings);
    ready = await isServerReady(api);
    if (ready) nodes = await nodeStates(api);
    api.close();
  }
  const parts = { server: { ...program("server"), ready, url: `https://127.0.0.1:${settings.httpsPort}` }, agent: program("agent") };
  return {
    apiVersion: API_VERSION,
    kind: "Status",
    state: stateOf(parts, nodes),
    dataDir: settings.dataDir,
    ...parts,
    containerd: { pid: pidOf("containerd") },
    nodes,
    warnings: authorityWarnings(readAuthority(pathsOf(settings.dataDir)), clock.now()),
  };
}

/** It is never renewed by itself, as everybody who trusts it has to be told of the new one. */
function authorityWarnings(authority: Pick<Authority, "certificate"> | undefined, nowMs: number): readonly string[] {
  const endMs = authority?.certificate.validToDate.getTime();
  if (endMs === undefined || endMs - nowMs > WARN_MS) return [];
  return [`the cluster's certificate authority ends on ${formatTime(endMs)}; it has to be replaced before: ./skiff explain SKF-1004`];
}

export function stateOf(parts: Pick<ClusterStatus, "server" | "agent">, nodes: readonly NodeState[]): ClusterStatus["state"] {
  if (parts.server.pid === null && parts.agent.pid === null) return "stopped";
  const supervised = parts.server.supervised && parts.agent.supervised;
  const well = supervised && parts.server.ready && parts.agent.pid !== null && nodes.length > 0 && nodes.every(({ ready }) => ready);
  return well ? "running" : "degraded";
}

function formatStatus({ state, dataDir, server, agent, containerd, nodes, warnings }: ClusterStatus): string {
  const process = (pid: number | null) => (pid === null ? "not running" : `pid ${pid}`);
  const keeper = ({ pid, supervised }: Program) =>
    pid === null ? (supervised ? ", will be started again" : "") : supervised ? "" : ", nobody would start it again: ./skiff up";
  const rows = [
    ["state", state],
    ["data dir", dataDir],
    ["server", `${process(server.pid)}${server.pid === null ? "" : `, ${server.ready ? "ready" : "not ready"}, ${server.url}`}${keeper(server)}`],
    ["agent", `${process(agent.pid)}${keeper(agent)}`],
    ["containerd", process(containerd.pid)],
    ...nodes.map(({ name, ready }) => ["node", `${name}, ${ready ? "Ready" : "NotReady"}`]),
    ...warnings.map((warning) => ["warning", warning]),
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(12)}${value}\n`).join("");
}
