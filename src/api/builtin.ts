import type { Deployment, ReplicaSet } from "#api/apps-v1/types.ts";
import type { Lease } from "#api/coordination-v1/types.ts";
import type * as core from "#api/core-v1/types.ts";
import type { EndpointSlice } from "#api/discovery-v1/types.ts";
import type { ClusterRole } from "#api/rbac-v1/types.ts";
import { builtin } from "#api/resources.ts";
import type { PriorityClass } from "#api/scheduling-v1/types.ts";

/** The resources that our own components read and write, by name. */
export const NAMESPACES = builtin<core.Namespace>("", "v1", "namespaces");
export const NODES = builtin<core.Node>("", "v1", "nodes");
export const PODS = builtin<core.Pod>("", "v1", "pods");
export const EVENTS = builtin<core.Event>("", "v1", "events");
export const CONFIG_MAPS = builtin<core.ConfigMap>("", "v1", "configmaps");
export const SECRETS = builtin<core.Secret>("", "v1", "secrets");
export const SERVICE_ACCOUNTS = builtin<core.ServiceAccount>("", "v1", "serviceaccounts");
export const PERSISTENT_VOLUMES = builtin<core.PersistentVolume>("", "v1", "persistentvolumes");
export const PERSISTENT_VOLUME_CLAIMS = builtin<core.PersistentVolumeClaim>("", "v1", "persistentvolumeclaims");
export const RESOURCE_QUOTAS = builtin<core.ResourceQuota>("", "v1", "resourcequotas");
export const SERVICES = builtin<core.Service>("", "v1", "services");
export const ENDPOINTS = builtin<core.Endpoints>("", "v1", "endpoints");
export const ENDPOINT_SLICES = builtin<EndpointSlice>("discovery.k8s.io", "v1", "endpointslices");
export const REPLICA_SETS = builtin<ReplicaSet>("apps", "v1", "replicasets");
export const DEPLOYMENTS = builtin<Deployment>("apps", "v1", "deployments");
export const LEASES = builtin<Lease>("coordination.k8s.io", "v1", "leases");
export const PRIORITY_CLASSES = builtin<PriorityClass>("scheduling.k8s.io", "v1", "priorityclasses");
export const CLUSTER_ROLES = builtin<ClusterRole>("rbac.authorization.k8s.io", "v1", "clusterroles");
