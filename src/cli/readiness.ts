import type { ApiCaller } from "./api-call.ts";

export interface NodeState {
  readonly name: string;
  readonly ready: boolean;
}

/** Whether the server says of itself that it serves. */
export async function isServerReady(api: ApiCaller): Promise<boolean> {
  return (await api.get("/readyz"))?.status === 200;
}

/** Undefined when the node is not registered or the server does not answer. */
export async function nodeState(api: ApiCaller, name: string): Promise<NodeState | undefined> {
  const answer = await api.get(`/api/v1/nodes/${name}`);
  return answer?.status === 200 ? parseNode(answer.body) : undefined;
}

/** All nodes, by name. */
export async function nodeStates(api: ApiCaller): Promise<readonly NodeState[]> {
  const answer = await api.get("/api/v1/nodes");
  if (answer?.status !== 200) return [];
  return ((JSON.parse(answer.body) as { items?: unknown[] }).items ?? []).map((node) => parseNode(JSON.stringify(node)));
}

export function parseNode(json: string): NodeState {
  const node = JSON.parse(json) as { metadata: { name: string }; status?: { conditions?: { type: string; status: string }[] } };
  const ready = node.status?.conditions?.some(({ type, status }) => type === "Ready" && status === "True") ?? false;
  return { name: node.metadata.name, ready };
}
