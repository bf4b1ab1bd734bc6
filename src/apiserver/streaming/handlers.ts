import type { ObjectReader } from "#apiserver/admission/reader.ts";
import type { SubresourceHandler } from "#apiserver/registry/subresource.ts";
import { podStreamHandlers } from "#apiserver/streaming/exec.ts";
import type { KubeletDialer } from "#apiserver/streaming/kubelet-dialer.ts";
import { podLogHandler } from "#apiserver/streaming/log.ts";
import { proxyHandlers } from "#apiserver/streaming/proxy.ts";
import type { Rng } from "#lib/rng.ts";

export interface StreamingDeps {
  readonly reader: ObjectReader;
  readonly kubelets: KubeletDialer;
  readonly rng: Rng;
}

/** Everything that the API server forwards to a node: logs, exec, attach, port-forward, proxies. */
export function streamingHandlers(deps: StreamingDeps): SubresourceHandler[] {
  return [podLogHandler(deps), ...podStreamHandlers(deps), ...proxyHandlers(deps)];
}
