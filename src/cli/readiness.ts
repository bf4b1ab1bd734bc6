import type { ApiCaller } from "./api-call.ts";

export interface NodeState {
  readonly name: string;
  readonly ready: boolean;
}

/** Whether the server says of itself that it serves. */
export async function isServerReady(api: ApiCaller): Promise<boolean> {
  return (await api.get("/readyz"))?.status === 200;
}

/** Nobody waits this long for a node. */
const LONGEST_WAIT_MS = 600_000;

/**
 * Whether the node's own agent says that it is Ready, and has said so since `sinceMs`: the state of a node outlives its
 * agent for a while.
 */
export async function isNodeReady(api: ApiCaller, name: string, sinceMs: number): Promise<boolean> {
  const answer = await api.get(`/api/v1/nodes/${name}`);
  return answer?.status === 200 && saysReadySince(answer.body, sinceMs);
}

export function saysReadySince(nodeJson: string, sinceMs: number): boolean {
  const ready = readyCondition(JSON.parse(nodeJson) as Node);
  // Heartbeats have whole seconds; one of long after is from before the clock was set back.
  const ageMs = Date.parse(ready?.lastHeartbeatTime ?? "") - Math.floor(sinceMs / 1000) * 1000;
  const heartbeatIsFresh = sinceMs === 0 || (ageMs >= 0 && ageMs < LONGEST_WAIT_MS);
  return ready?.status === "True" && heartbeatIsFresh;
}

/** All nodes, by name. */
export async function nodeStates(api: ApiCaller): Promise<readonly NodeState[]> {
  const answer = await api.get("/api/v1/nodes");
  if (answer?.status !== 200) return [];
  return ((JSON.parse(answer.body) as { items?: Node[] }).items ?? []).map((node) => ({
    name: node.metadata.name,
    ready: readyCondition(node)?.status === "True",
  }));
}

/** Of a Node, what is looked at here. */
interface Node {
  readonly metadata: { readonly name: string };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly lastHeartbeatTime?: string;
}

function readyCondition(node: Node): Condition | undefined {
  return node.status?.conditions?.find(({ type }) => type === "Ready");
}
