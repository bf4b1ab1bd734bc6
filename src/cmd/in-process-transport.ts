import type { Aggregator } from "#apiserver/aggregation/aggregator.ts";
import type { Pipeline } from "#apiserver/registry/pipeline.ts";
import type { UserInfo } from "#apiserver/user.ts";
import type { Transport, WatchSink } from "#client/transport.ts";

/**
 * The API server's own pipeline as a client's transport: no HTTP, no JSON, events in the same tick.
 *
 * @param remotes answers for what other servers have
 */
export function inProcessTransport(pipeline: Pipeline, user: UserInfo, userAgent: string, remotes?: Pick<Aggregator, "perform">): Transport {
  return {
    perform: (call, signal) => remotes?.perform(call) ?? pipeline.perform(call, user, { userAgent, signal }),
    watch: (call, sink: WatchSink) => pipeline.watch(call, user, sink),
  };
}
