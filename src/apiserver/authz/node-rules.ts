import type { PolicyRule } from "#apiserver/authz/authorizer.ts";

/** What a kubelet needs: upstream's ClusterRole `system:node`. What is not subdivided by `NodeAuthorizer` goes by these. */
export const NODE_RULES: readonly PolicyRule[] = [
  { verbs: ["create"], apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"] },
  { verbs: ["create"], apiGroups: ["authorization.k8s.io"], resources: ["localsubjectaccessreviews", "subjectaccessreviews"] },
  { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["services"] },
  { verbs: ["create", "get", "list", "watch"], apiGroups: [""], resources: ["nodes"] },
  { verbs: ["patch", "update"], apiGroups: [""], resources: ["nodes/status"] },
  { verbs: ["patch", "update"], apiGroups: [""], resources: ["nodes"] },
  { verbs: ["create", "patch", "update"], apiGroups: ["", "events.k8s.io"], resources: ["events"] },
  { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["pods"] },
  { verbs: ["create", "delete"], apiGroups: [""], resources: ["pods"] },
  { verbs: ["patch", "update"], apiGroups: [""], resources: ["pods/status"] },
  { verbs: ["create"], apiGroups: [""], resources: ["pods/eviction"] },
  { verbs: ["get", "list", "watch"], apiGroups: [""], resources: ["configmaps", "secrets"] },
  { verbs: ["get"], apiGroups: [""], resources: ["persistentvolumeclaims", "persistentvolumes"] },
  { verbs: ["get"], apiGroups: [""], resources: ["endpoints"] },
  { verbs: ["create", "get", "list", "watch"], apiGroups: ["certificates.k8s.io"], resources: ["certificatesigningrequests"] },
  { verbs: ["create", "delete", "get", "patch", "update"], apiGroups: ["coordination.k8s.io"], resources: ["leases"] },
  { verbs: ["get"], apiGroups: ["storage.k8s.io"], resources: ["volumeattachments"] },
  { verbs: ["create"], apiGroups: [""], resources: ["serviceaccounts/token"] },
  { verbs: ["get", "patch", "update"], apiGroups: [""], resources: ["persistentvolumeclaims/status"] },
  { verbs: ["get", "list", "watch"], apiGroups: ["storage.k8s.io"], resources: ["csidrivers"] },
  { verbs: ["create", "delete", "get", "patch", "update"], apiGroups: ["storage.k8s.io"], resources: ["csinodes"] },
  { verbs: ["get", "list", "watch"], apiGroups: ["node.k8s.io"], resources: ["runtimeclasses"] },
  { verbs: ["get"], apiGroups: ["resource.k8s.io"], resources: ["resourceclaims"] },
  { verbs: ["deletecollection"], apiGroups: ["resource.k8s.io"], resources: ["resourceslices"] },
  { verbs: ["get"], apiGroups: [""], resources: ["serviceaccounts"] },
];

/** What our agent's proxy and DNS read besides; upstream's have users of their own. */
export const NODE_NETWORK_RULES: readonly PolicyRule[] = [
  { verbs: ["list", "watch"], apiGroups: [""], resources: ["namespaces"] },
  { verbs: ["get", "list", "watch"], apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"] },
];
