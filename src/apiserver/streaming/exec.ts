import { failure, statusError, type StatusError } from "#apimachinery/status-error.ts";
import type { ConnectRequest, SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { dialError } from "#apiserver/streaming/kubelet-dialer.ts";
import type { StreamingDeps } from "#apiserver/streaming/handlers.ts";
import { textOf } from "#apiserver/streaming/log.ts";
import { containerOf, nodeOf, podNamed } from "#apiserver/streaming/pod-target.ts";
import { awaitUpgrade, forwardedHeaders, join } from "#apiserver/streaming/tunnel.ts";

const ERROR_LIMIT_BYTES = 2048;
const STREAM_FLAGS: readonly (readonly [asked: string, kubelets: string])[] = [
  ["stdin", "input"],
  ["stdout", "output"],
  ["stderr", "error"],
  ["tty", "tty"],
];

/** `pods/exec`, `pods/attach`, `pods/portforward`: the client's connection, joined with the kubelet's. */
export function podStreamHandlers(deps: StreamingDeps): SubresourceHandler[] {
  return (["exec", "attach", "portforward"] as const).map((subresource) => ({
    group: "",
    plural: "pods",
    subresource,
    connect: (request) => connect(request, subresource, deps),
  }));
}

async function connect(request: ConnectRequest, subresource: "exec" | "attach" | "portforward", { reader, kubelets }: StreamingDeps): Promise<void> {
  if (request.method !== "GET" && request.method !== "POST") {
    throw failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
  }
  const { namespace, name, query, upgrade } = request;
  const pod = podNamed(reader, namespace, name);
  const container = subresource === "portforward" ? "" : `/${containerOf(pod, query.get("container"))}`;
  const address = kubelets.address(nodeOf(pod), "pods");
  if (upgrade === undefined) throw statusError.badRequest("Upgrade request required");
  const root = subresource === "portforward" ? "portForward" : subresource;
  const path = `/${root}/${namespace}/${name}${container}?${subresource === "portforward" ? portQuery(query) : streamQuery(query)}`;
  const headers = forwardedHeaders(request.request.headers, `${address.host}:${address.port}`, { upgrade: true });
  const asking = kubelets.request(address, { method: request.method, path, headers }, { upgrade: true });
  upgrade.socket.once("close", () => asking.destroy());
  let answer;
  try {
    answer = await awaitUpgrade(asking);
  } catch (error) {
    throw statusError.internal(`error dialing backend: ${dialError(error, address).message}`);
  }
  if (!answer.upgraded) throw refusal(answer.response.statusCode ?? 500, await textOf(answer.response, ERROR_LIMIT_BYTES));
  join(upgrade, answer);
}

/** The kubelet's older names for the streams. */
function streamQuery(query: URLSearchParams): URLSearchParams {
  const result = new URLSearchParams();
  for (const [asked, kubelets] of STREAM_FLAGS) {
    const value = query.get(asked);
    if (value !== null && value !== "0" && value.toLowerCase() !== "false") result.set(kubelets, "1");
  }
  for (const word of query.getAll("command")) result.append("command", word);
  return result;
}

function portQuery(query: URLSearchParams): URLSearchParams {
  const ports = query.getAll("ports");
  return ports.length === 0 ? new URLSearchParams() : new URLSearchParams({ port: ports.join(",") });
}

function refusal(code: number, text: string): StatusError {
  if (code === 400) return statusError.badRequest(text.trim());
  if (code === 404) return failure(404, "NotFound", text.trim());
  return statusError.internal(`unable to upgrade connection: ${text.trim()}`);
}
