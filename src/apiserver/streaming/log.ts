import type { IncomingMessage } from "node:http";

import { failure, statusError, type StatusError } from "#apimachinery/status-error.ts";
import type { ConnectRequest, SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { dialError } from "#apiserver/streaming/kubelet-dialer.ts";
import type { StreamingDeps } from "#apiserver/streaming/handlers.ts";
import { kubeletLogQuery } from "#apiserver/streaming/log-options.ts";
import { containerOf, podNamed } from "#apiserver/streaming/pod-target.ts";
import { awaitAnswer, pour, responseOf } from "#apiserver/streaming/tunnel.ts";

const ERROR_LIMIT_BYTES = 2048;

/** `pods/log`: what the kubelet gives, as it comes. */
export function podLogHandler({ reader, kubelets }: StreamingDeps): SubresourceHandler {
  return {
    group: "",
    plural: "pods",
    subresource: "log",
    async connect(request) {
      const { namespace, name, query } = request;
      if (request.method !== "GET" || request.response === undefined) {
        throw failure(405, "MethodNotAllowed", "the server does not allow this method on the requested resource", {});
      }
      const response = responseOf(request);
      const options = kubeletLogQuery(query, name);
      const pod = podNamed(reader, namespace, name);
      const container = containerOf(pod, query.get("container"));
      if (!pod.spec.nodeName) return answerNothing(request);
      const address = kubelets.address(pod.spec.nodeName, "pods");
      const path = `/containerLogs/${namespace}/${name}/${container}?${options}`;
      const asking = kubelets.request(address, { method: "GET", path, headers: { host: `${address.host}:${address.port}` } });
      response.once("close", () => asking.destroy());
      asking.end();
      let answer: IncomingMessage;
      try {
        answer = await awaitAnswer(asking);
      } catch (error) {
        throw statusError.internal(`Get "https://${address.host}:${address.port}${path}": ${dialError(error, address).message}`);
      }
      if ((answer.statusCode ?? 500) >= 300) throw await kubeletRefusal(answer, name);
      response.writeHead(200, { "content-type": "text/plain", "cache-control": "no-cache, private" });
      response.flushHeaders();
      await pour(answer, response);
    },
  };
}

/** Nothing was logged where nothing ran. */
function answerNothing(request: ConnectRequest): void {
  responseOf(request).writeHead(204, { "cache-control": "no-cache, private" }).end();
}

async function kubeletRefusal(answer: IncomingMessage, name: string): Promise<StatusError> {
  const text = (await textOf(answer, ERROR_LIMIT_BYTES)).trim();
  const code = answer.statusCode ?? 500;
  if (code === 400) return statusError.badRequest(text);
  if (code === 500) return statusError.internal(text);
  const details = { name, kind: "pods/log", causes: [{ reason: "UnexpectedServerResponse", message: text }] };
  if (code === 404) return failure(404, "NotFound", `the server could not find the requested resource ( pods/log ${name})`, details);
  return failure(code, "", `the server responded with the status code ${code} but did not return more information ( pods/log ${name})`, details);
}

/** The beginning of a body. */
export async function textOf(message: IncomingMessage, limitBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= limitBytes) break;
  }
  return Buffer.concat(chunks).subarray(0, limitBytes).toString("utf8");
}
