import type { Pod, Service } from "#api/core-v1/types.ts";
import type { Client } from "#client/client.ts";
import type { EventRecorder } from "#client/event-recorder.ts";
import type { Lister } from "#client/informer.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import type { Runtime } from "#kubelet/cri/runtime.ts";
import type { ImageManager } from "#kubelet/image/image-manager.ts";
import type { ProbeManager } from "#kubelet/probe/probe-manager.ts";
import type { StatusManager } from "#kubelet/status/status-manager.ts";
import type { VolumeManager } from "#kubelet/volume/volume-manager.ts";
import type { Clock } from "#lib/clock.ts";
import type { Logger } from "#lib/logger.ts";

import type { Backoff } from "./backoff.ts";
import type { Cgroups } from "./cgroups.ts";
import type { ClusterDns } from "./dns.ts";

/** What the node has for its pods. */
export interface NodeFacts {
  readonly ips: readonly string[];
  readonly memoryBytes: number;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** What all pod workers share. */
export interface PodContext {
  readonly config: KubeletConfig;
  readonly node: NodeFacts;
  readonly dns: ClusterDns;
  readonly hostsText: string;
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly recorder: EventRecorder;
  readonly runtime: Runtime;
  readonly images: ImageManager;
  readonly volumes: VolumeManager;
  readonly cgroups: Cgroups;
  readonly probes: ProbeManager;
  readonly statuses: StatusManager;
  readonly restarts: Backoff;
  readonly services: Lister<Service>;
  /** Resolves once no service sends new connections to the pod at this address. */
  readonly drained: (podIp: string) => Promise<void>;
  /** Whether a container that no pod is known to have was seen to exit: one that ended while it was being started. */
  readonly exitedEarly: (containerId: string) => boolean;
  /** Called when nothing is left of a pod. */
  readonly finished: (pod: Pod) => void;
}
