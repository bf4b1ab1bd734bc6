import type { Node, Pod, Service } from "#api/core-v1/types.ts";
import type { Draft } from "#apimachinery/object.ts";

export interface PodState {
  readonly name: string;
  readonly ip?: string | undefined;
  readonly ready?: boolean | undefined;
  readonly node?: string | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly phase?: string | undefined;
  /** The second of 2026 in which it was made, and became ready. */
  readonly second?: number | undefined;
  readonly leaving?: boolean | undefined;
  readonly owner?: string | undefined;
  readonly ports?: readonly { readonly name: string; readonly containerPort: number }[] | undefined;
}

export const timeAt = (second: number) => new Date(Date.UTC(2026, 0, 1) + second * 1000).toISOString().replace(".000Z", "Z");

/** A pod as the cache would show it. */
export function podIn({ name, ip, ready = false, node = "n1", labels = { app: "web" }, phase = "Running", second = 0, leaving, owner, ports }: PodState): Pod {
  return {
    metadata: {
      namespace: "default",
      name,
      uid: `uid-${name}`,
      labels,
      creationTimestamp: timeAt(second),
      ...(leaving && { deletionTimestamp: timeAt(second + 1) }),
      ...(owner !== undefined && { ownerReferences: [{ kind: "ReplicaSet", name: owner, uid: owner, controller: true }] }),
    },
    spec: { nodeName: node, containers: [{ name: "main", image: "app:1", ports: ports ?? [] }] },
    status: {
      phase,
      ...(ip !== undefined && { podIP: ip, podIPs: [{ ip }] }),
      conditions: [{ type: "Ready", status: ready ? "True" : "False", lastTransitionTime: timeAt(second) }],
    },
  } as unknown as Pod;
}

/** A service that selects `app: web` and serves port 80 at 8080, unless `spec` says otherwise. */
export function serviceWith(spec: object = {}, name = "web"): Service {
  return {
    metadata: { namespace: "default", name, uid: `uid-${name}` },
    spec: {
      clusterIP: "10.43.0.9",
      ipFamilies: ["IPv4"],
      selector: { app: "web" },
      ports: [{ name: "http", protocol: "TCP", port: 80, targetPort: 8080 }],
      ...spec,
    },
  } as unknown as Service;
}

/** The same without what the server gives it. */
export function draftOf<T extends Pod | Service | Node>({ metadata: { uid: _uid, ...metadata }, ...rest }: T): Draft<T> {
  return { ...rest, metadata } as unknown as Draft<T>;
}

export function nodeNamed(name: string, { ready = true, labels = {}, taints }: { ready?: boolean; labels?: object; taints?: readonly object[] } = {}): Node {
  const conditions = [{ type: "Ready", status: ready ? "True" : "False" }];
  return { metadata: { name, uid: `uid-${name}`, labels }, spec: taints === undefined ? {} : { taints }, status: { conditions } } as unknown as Node;
}
