import { CONFIG_MAPS, EVENTS, NODES, PODS, SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { Event, Node, Pod } from "#api/core-v1/types.ts";
import { LOOPBACK_USER } from "#apiserver/user.ts";
import { Client } from "#client/client.ts";
import { inProcessTransport } from "#cmd/in-process-transport.ts";
import { startTestServer, type TestServer } from "#test/api-server/test-server.ts";

import { NODE } from "./node-config.ts";

/** An API server in memory with what a kubelet needs of it; tests make pods on its one node. */
export class NodeApi {
  readonly server: TestServer;
  readonly client: Client;

  protected constructor(server: TestServer) {
    this.server = server;
    this.client = new Client(inProcessTransport(server.server.pipeline, LOOPBACK_USER, "test"));
  }

  protected static async open(): Promise<TestServer> {
    return startTestServer();
  }

  protected async seed(): Promise<void> {
    const { client, server } = this;
    await client.create(SERVICE_ACCOUNTS, { metadata: { namespace: "default", name: "default" } });
    await client.create(CONFIG_MAPS, { metadata: { namespace: "default", name: "kube-root-ca.crt" }, data: { "ca.crt": server.ca } });
  }

  /** Does for nodes what the controller of their ranges does. */
  protected async givePodCidr(podCIDR: string): Promise<void> {
    const { client } = this;
    const { metadata } = await client.list(NODES);
    const onEvent = ({ object }: { object: unknown }) => {
      const { metadata: node, spec } = object as Node;
      if (!spec.podCIDR) void client.patch(NODES, { name: node.name }, "merge", { spec: { podCIDR, podCIDRs: [podCIDR] } });
    };
    client.watch({ resource: NODES, resourceVersion: metadata.resourceVersion as string }, { onEvent, onEnd: () => undefined });
  }

  /** Creates a pod on the node; `spec` lacks what every test's pod has. */
  createPod(name: string, spec: Record<string, unknown>, metadata: Record<string, unknown> = {}): Promise<Pod> {
    return this.client.create(PODS, {
      metadata: { namespace: "default", name, ...metadata },
      spec: { nodeName: NODE, terminationGracePeriodSeconds: 1, ...spec },
    } as never);
  }

  /** Resolves with the pod as soon as it is so; later changes come by watch. */
  async until(name: string, what: string, holds: (pod: Pod) => boolean, timeoutMs = 20_000): Promise<Pod> {
    const first = await this.client.get(PODS, { namespace: "default", name });
    if (holds(first)) return first;
    const call = { resource: PODS, namespace: "default", fieldSelector: `metadata.name=${name}`, resourceVersion: first.metadata.resourceVersion as string };
    return new Promise((resolve, reject) => {
      let last = first;
      const timer = setTimeout(() => end(() => reject(new Error(`pod ${name} is not ${what}: ${JSON.stringify(last.status)}`))), timeoutMs);
      const onEvent = ({ object }: { object: unknown }) => {
        last = object as Pod;
        if (holds(last)) end(() => resolve(last));
      };
      const watch = this.client.watch(call, { onEvent, onEnd: () => undefined });
      const end = (how: () => void) => {
        clearTimeout(timer);
        watch.stop();
        how();
      };
    });
  }

  async pods(): Promise<readonly Pod[]> {
    return (await this.client.list(PODS, { namespace: "default" })).items;
  }

  /** Resolves once the pod's object is gone. */
  async untilGone(name: string, timeoutMs = 20_000): Promise<void> {
    const deadline = Date.now() + timeoutMs;
    while ((await this.pods()).some((pod) => pod.metadata.name === name)) {
      if (Date.now() > deadline) throw new Error(`pod ${name} is still there`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async events(name: string): Promise<readonly Event[]> {
    return (await this.client.list(EVENTS, { namespace: "default" })).items.filter((event) => event.involvedObject.name === name);
  }
}
