import { existsSync } from "node:fs";
import { apiCaller } from "./api-call.ts";
import { API_VERSION, type Arguments, type Context } from "./context.ts";
import { pathsOf } from "./paths.ts";
import { clusterProcesses } from "./processes.ts";
import { isServerReady, type NodeState, nodeStates } from "./readiness.ts";

/** Stable: programs read it. */
export interface ClusterStatus {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: "Status";
  readonly state: "running" | "degraded" | "stopped";
  readonly dataDir: string;
  readonly server: { readonly pid: number | null; readonly ready: boolean; readonly url: string };
  readonly agent: { readonly pid: number | null };
  readonly containerd: { readonly pid: number | null };
  readonly nodes: readonly NodeState[];
}

const EXIT_CODES = { running: 0, degraded: 4, stopped: 3 } as const;

/** `skiff status`: exit code 0 when all is well, 4 when something is not, 3 when nothing runs. */
export async function status(args: Arguments, context: Context): Promise<number> {
  const found = await gatherStatus(context);
  context.out(args.flags["output"] === "json" ? `${JSON.stringify(found, undefined, 2)}\n` : formatStatus(found));
  return EXIT_CODES[found.state];
}

async function gatherStatus({ settings }: Context): Promise<ClusterStatus> {
  const processes = clusterProcesses(settings.dataDir);
  const pidOf = (role: string) => processes.find((info) => info.role === role)?.pid ?? null;
  let ready = false;
  let nodes: readonly NodeState[] = [];
  if (pidOf("server") !== null && existsSync(pathsOf(settings.dataDir).serverTls.admin)) {
    const api = apiCaller(settings);
    ready = await isServerReady(api);
    if (ready) nodes = await nodeStates(api);
    api.close();
  }
  const parts = { server: { pid: pidOf("server"), ready, url: `https://127.0.0.1:${settings.httpsPort}` }, agent: { pid: pidOf("agent") } };
  return {
    apiVersion: API_VERSION,
    kind: "Status",
    state: stateOf(parts, nodes),
    dataDir: settings.dataDir,
    ...parts,
    containerd: { pid: pidOf("containerd") },
    nodes,
  };
}

export function stateOf(parts: Pick<ClusterStatus, "server" | "agent">, nodes: readonly NodeState[]): ClusterStatus["state"] {
  if (parts.server.pid === null && parts.agent.pid === null) return "stopped";
  const well = parts.server.ready && parts.agent.pid !== null && nodes.length > 0 && nodes.every(({ ready }) => ready);
  return well ? "running" : "degraded";
}

function formatStatus({ state, dataDir, server, agent, containerd, nodes }: ClusterStatus): string {
  const process = (pid: number | null) => (pid === null ? "not running" : `pid ${pid}`);
  const rows = [
    ["state", state],
    ["data dir", dataDir],
    ["server", server.pid === null ? "not running" : `${process(server.pid)}, ${server.ready ? "ready" : "not ready"}, ${server.url}`],
    ["agent", process(agent.pid)],
    ["containerd", process(containerd.pid)],
    ...nodes.map(({ name, ready }) => ["node", `${name}, ${ready ? "Ready" : "NotReady"}`]),
  ];
  return rows.map(([name = "", value = ""]) => `${name.padEnd(12)}${value}\n`).join("");
}
