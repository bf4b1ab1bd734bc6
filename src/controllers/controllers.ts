import type { LegacyTokenClaims } from "#api/core-v1/legacy-token.ts";
import type { Resource } from "#api/resources.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { Client } from "#client/client.ts";
import type { InformerFactory } from "#client/informer.ts";
import type { ControllerDeps } from "#controllers/common/deps.ts";
import { type SignCertificate, startCertificates } from "#controllers/certificates/controller.ts";
import { startClusterRoleAggregation } from "#controllers/clusterroleaggregation/controller.ts";
import { startDeployments } from "#controllers/deployment/controller.ts";
import { startEndpoints } from "#controllers/endpoints/controller.ts";
import { startEndpointSlices } from "#controllers/endpointslice/controller.ts";
import { startEndpointSliceMirroring } from "#controllers/endpointslicemirroring/controller.ts";
import { startFlowSchemas } from "#controllers/flowschema/controller.ts";
import { startGarbageCollector } from "#controllers/garbagecollector/controller.ts";
import { type RemoteContents, startNamespaces } from "#controllers/namespace/controller.ts";
import { startNodeIpam } from "#controllers/nodeipam/controller.ts";
import { startNodeLifecycle } from "#controllers/nodelifecycle/controller.ts";
import { startPodGc } from "#controllers/podgc/controller.ts";
import { startPolicyStatus } from "#controllers/policystatus/controller.ts";
import { startReplicaSets, startReplicationControllers } from "#controllers/replicaset/controller.ts";
import { ResourceQuotas } from "#controllers/resourcequota/controller.ts";
import { startRootCa } from "#controllers/rootca/controller.ts";
import { startServiceAccounts } from "#controllers/serviceaccount/controller.ts";
import { startTokenSecrets } from "#controllers/serviceaccount/token-secrets.ts";
import { startTaintEviction } from "#controllers/tainteviction/controller.ts";
import { startClaimProtection, startVolumeProtection } from "#controllers/volumeprotection/controller.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";
import type { Rng } from "#lib/rng.ts";

export interface ControllersOptions {
  readonly client: Client;
  readonly informers: InformerFactory;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly logger: Logger;
  /** Events in the name of a component, as `deployment-controller`. */
  recorderFor(component: string): EventRecorder;
  /** Every resource that is served now, custom ones included: what a namespace may hold, and what the garbage collector follows. */
  resources(): readonly Resource[];
  /** What other servers keep in namespaces, where there are any. */
  remoteContents?(): RemoteContents;
  /** The PEM certificate that `kube-root-ca.crt` publishes. */
  readonly rootCa: string;
  /** For tokens that stand in Secrets. */
  readonly signToken: (claims: LegacyTokenClaims) => string;
  /** Absent where the authority's key is not: then nobody signs requests for certificates. */
  readonly signCertificate?: SignCertificate | undefined;
  /** Where nodes' pod ranges come from. */
  readonly clusterCidr?: string;
}

export interface Controllers {
  stop(): void;
  /** To be called when other resources are served than before. */
  resourcesChanged(): void;
}

/** Starts every controller; they begin to act once all informers have synced. */
export function startControllers(options: ControllersOptions): Controllers {
  const abort = new AbortController();
  const ready = Promise.withResolvers<void>();
  const { client, informers, clock, rng, logger } = options;
  const deps: ControllerDeps = {
    client: client.as("kube-controller-manager"),
    informers,
    clock,
    rng,
    logger,
    recorderFor: (component) => options.recorderFor(component),
    ready: ready.promise,
    signal: abort.signal,
  };
  startReplicaSets(deps);
  startReplicationControllers(deps);
  startDeployments(deps);
  startEndpoints(deps);
  startEndpointSlices(deps);
  startEndpointSliceMirroring(deps);
  startServiceAccounts(deps);
  startTokenSecrets(deps, options);
  startRootCa(deps, options.rootCa);
  startClusterRoleAggregation(deps);
  startFlowSchemas(deps);
  if (options.signCertificate !== undefined) startCertificates(deps, options.signCertificate);
  startNodeIpam(deps, options.clusterCidr ?? "10.42.0.0/16");
  startNodeLifecycle(deps);
  startTaintEviction(deps);
  startPodGc(deps);
  startClaimProtection(deps);
  startVolumeProtection(deps);
  const resources = () => eachKindOnce(options.resources());
  startNamespaces(deps, resources, options.remoteContents);
  const collector = startGarbageCollector(deps, resources);
  const quotas = new ResourceQuotas(deps, resources);
  startPolicyStatus(deps, () => options.resources());
  void informers.synced().then(ready.resolve);
  return {
    stop: () => abort.abort(),
    resourcesChanged() {
      collector.follow(resources());
      quotas.resourcesChanged();
    },
  };
}

/** Of a kind that is served in several versions, and under an old group too, the stable one. */
function eachKindOnce(resources: readonly Resource[]): readonly Resource[] {
  const stability = ({ version }: Resource) => (version.includes("alpha") ? 2 : version.includes("beta") ? 1 : 0);
  const ordered = [...resources].sort((a, b) => stability(a) - stability(b));
  const kept = new Map<string, Resource>();
  for (const resource of ordered) {
    const group = resource.group === "extensions" ? (OLD_GROUPS[resource.plural] ?? resource.group) : resource.group;
    const id = `${group}/${resource.kind}`;
    if (!kept.has(id)) kept.set(id, resource);
  }
  return [...kept.values()];
}

/** Where the kinds of the old `extensions` group live now. */
const OLD_GROUPS: Readonly<Record<string, string>> = { deployments: "apps", replicasets: "apps", daemonsets: "apps", ingresses: "networking.k8s.io" };
