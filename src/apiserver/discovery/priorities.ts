/**
 * The order of groups in discovery, higher first: kubectl takes the first group that has a name that it was given.
 *
 * @see kubernetes pkg/controlplane/apiserver/aggregator.go
 */
const PRIORITIES: Readonly<Record<string, number>> = {
  "": 18000,
  "apiregistration.k8s.io": 18000,
  apps: 17800,
  "events.k8s.io": 17750,
  "authentication.k8s.io": 17700,
  "authorization.k8s.io": 17600,
  autoscaling: 17500,
  batch: 17400,
  "certificates.k8s.io": 17300,
  "networking.k8s.io": 17200,
  policy: 17100,
  "rbac.authorization.k8s.io": 17000,
  "storage.k8s.io": 16800,
  "apiextensions.k8s.io": 16700,
  "admissionregistration.k8s.io": 16700,
  "scheduling.k8s.io": 16600,
  "coordination.k8s.io": 16500,
  "node.k8s.io": 16300,
  "discovery.k8s.io": 16200,
  "resource.k8s.io": 16200,
  "flowcontrol.apiserver.k8s.io": 16100,
  "internal.apiserver.k8s.io": 16000,
  "storagemigration.k8s.io": 15900,
  extensions: 15000, // with upstream it came before what has replaced it, and so was what a name without a group meant
};

/** Groups of custom resources come last. */
const CUSTOM_PRIORITY = 1000;

export function groupPriority(group: string): number {
  return PRIORITIES[group] ?? CUSTOM_PRIORITY;
}
