import { readFileSync } from "node:fs";
import { join } from "node:path";

import { NODES } from "#api/builtin.ts";
import type { Node } from "#api/core-v1/types.ts";
import { Client } from "#client/client.ts";
import { afterContact, firstContact } from "#client/first-contact.ts";
import type { ClientTls } from "#client/http-session.ts";
import { HttpTransport } from "#client/http-transport.ts";
import { SharedInformerFactory } from "#client/informer-factory.ts";
import type { InformerFactory } from "#client/informer.ts";
import { Forwarder, resolversIn } from "#dns/forwarder.ts";
import { informerRecords } from "#dns/informer-records.ts";
import { startDnsServer } from "#dns/server.ts";
import { ContainerdTasks } from "#kubelet/cri/tasks.ts";
import { type KubeletDeps, startKubelet } from "#kubelet/kubelet.ts";
import { type KubeletServer, type KubeletServerConfig, startKubeletServer } from "#kubelet/server/server.ts";
import { runCommand } from "#lib/run-command.ts";
import { nodeShell, prepareKernel } from "#proxy/node-shell.ts";
import { Proxier } from "#proxy/proxier.ts";

import type { AgentConfig } from "./agent-config.ts";
import { keepCertificates, readTexts } from "./certificates.ts";
import { holdUntilAborted, type Parts, type ProcessDeps } from "./process-deps.ts";

const DNS_PORT = 53;
/** What the node's object tells of us; clients compare it with the server's. */
const KUBELET_VERSION = "v1.35.6+skiff";

/** The node: kubelet, service proxy and DNS in this process, until it is told to stop. */
export async function runAgent(config: AgentConfig, deps: ProcessDeps): Promise<void> {
  await holdUntilAborted(deps, async (parts) => {
    const { clock, rng, logger } = deps;
    const certificates = readTexts(certificateFiles(config));
    const transport = new HttpTransport({ server: config.server, ...clientTlsOf(certificates), clock, userAgent: "kubelet" });
    parts.defer(() => transport.close());
    // Server and agent start together; the runtime comes up meanwhile.
    const contact = firstContact(config.server, clock, deps.signal);
    contact.catch(() => undefined);
    const client = new Client(afterContact(transport, contact), "kubelet");
    const informers = new SharedInformerFactory({ client, clock, rng, logger });
    parts.defer(() => informers.stop());
    // The network starts beside the node, and ends after it: pods on their way out wait for the proxy.
    const proxier = startNetwork(config, informers, deps, parts.use(new AsyncDisposableStack()));
    const [, kubeletServer] = await Promise.all([
      proxier,
      startNode(config, { client, informers, drained: async (podIp) => (await proxier).drained(podIp) }, deps, parts),
    ]);
    const use = (texts: Certificates) => {
      kubeletServer.useTls({ cert: texts.serving, key: texts.servingKey, ca: texts.ca });
      transport.useTls(clientTlsOf(texts));
    };
    const keeper = keepCertificates(deps, { files: certificateFiles(config), use }, certificates);
    parts.defer(() => keeper.cancel());
    logger.info("node is ready", { node: config.nodeName });
  });
}

type NodeDeps = Pick<KubeletDeps, "client" | "informers" | "drained">;

/** The kubelet and its API. */
async function startNode(config: AgentConfig, nodeDeps: NodeDeps, { clock, rng, logger, env }: ProcessDeps, parts: Parts): Promise<KubeletServer> {
  const kubelet = await startKubelet(config, { ...nodeDeps, clock, rng, log: logger, env, version: KUBELET_VERSION });
  parts.defer(() => kubelet.stop());
  const tasks = new ContainerdTasks(config.containerd.socket);
  const server = await startKubeletServer(serverConfig(config), { pods: kubelet, runtime: kubelet.runtime, tasks, clock, rng, log: logger });
  parts.defer(() => server.stop());
  return server;
}

type Certificates = Readonly<Record<keyof ReturnType<typeof certificateFiles>, string>>;

function certificateFiles({ tls: { ca, client, clientKey, serving, servingKey } }: AgentConfig) {
  return { ca, client, clientKey, serving, servingKey };
}

function clientTlsOf({ ca, client, clientKey }: Certificates): ClientTls {
  return { ca, cert: client, key: clientKey };
}

function serverConfig({ kubeletPort, tls, runDir }: AgentConfig): KubeletServerConfig {
  return { host: "0.0.0.0", port: kubeletPort, certFile: tls.serving, keyFile: tls.servingKey, clientCaFile: tls.ca, runDir: join(runDir, "kubelet") };
}

/** Service addresses and names on this node; pods need both, but a node may be ready before they are. */
async function startNetwork(config: AgentConfig, informers: InformerFactory, deps: ProcessDeps, parts: Parts): Promise<Proxier> {
  await prepareKernel();
  const dns = await startDns(config, informers, deps);
  parts.defer(() => dns.stop());
  const podCidr = await podCidrOf(config.nodeName, informers);
  const table = { name: config.instance, serviceCidr: config.serviceCidr, clusterCidr: config.clusterCidr, podCidr, clusterDns: config.clusterDns };
  const proxier = new Proxier({ ...table, nodeName: config.nodeName }, { informers, clock: deps.clock, logger: deps.logger, ...nodeShell(deps.clock) });
  parts.defer(() => proxier.stop());
  await proxier.start();
  return proxier;
}

/** DNS answers at an address of the service range, which the loopback device takes on. */
async function startDns(config: AgentConfig, informers: InformerFactory, { clock, rng, logger }: ProcessDeps): Promise<{ stop(): Promise<void> }> {
  await runCommand(clock, "ip", ["address", "replace", `${config.clusterDns}/32`, "dev", "lo"]);
  const resolvers = () => resolversIn(readFileSync(config.resolvConf, "utf8"), [config.clusterDns]);
  const forwarder = new Forwarder({ resolvers, clock, rng });
  const zone = { domain: config.clusterDomain, records: informerRecords(informers), forward: (query: Buffer) => forwarder.forward(query) };
  return startDnsServer({ zone, addresses: [config.clusterDns], port: DNS_PORT, logger });
}

/** The node's own pod range, once the node is registered and has one. */
function podCidrOf(nodeName: string, informers: InformerFactory): Promise<string> {
  const nodes = informers.informer(NODES, {}, { fieldSelector: `metadata.name=${nodeName}` });
  return new Promise((resolve) => {
    const look = ({ spec }: Node) => {
      if (!spec.podCIDR) return;
      resolve(spec.podCIDR);
      queueMicrotask(() => unsubscribe());
    };
    const unsubscribe = nodes.onChange({ added: look, updated: look });
  });
}
