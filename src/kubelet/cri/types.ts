/** The parts of CRI `runtime.v1` that the kubelet uses, as the codec gives and takes them. Times are nanoseconds. */

export const SANDBOX_READY = 0;
export const SANDBOX_NOT_READY = 1;

export const CONTAINER_CREATED = 0;
export const CONTAINER_RUNNING = 1;
export const CONTAINER_EXITED = 2;
export const CONTAINER_UNKNOWN = 3;

/** Of a namespace: the pod's, the container's own, the node's. */
export const NAMESPACE_POD = 0;
export const NAMESPACE_CONTAINER = 1;
export const NAMESPACE_NODE = 2;
export const NAMESPACE_TARGET = 3;

export const PROFILE_RUNTIME_DEFAULT = 0;
export const PROFILE_UNCONFINED = 1;
export const PROFILE_LOCALHOST = 2;

export const PROPAGATION = { None: 0, HostToContainer: 1, Bidirectional: 2 } as const;
export const PROTOCOL = { TCP: 0, UDP: 1, SCTP: 2 } as const;

type Labels = Readonly<Record<string, string>>;

export interface SandboxMetadata {
  readonly name: string;
  readonly uid: string;
  readonly namespace: string;
  readonly attempt: number;
}

export interface SandboxConfig {
  readonly metadata: SandboxMetadata;
  readonly hostname: string;
  readonly logDirectory: string;
  readonly dnsConfig?: { readonly servers: readonly string[]; readonly searches: readonly string[]; readonly options: readonly string[] };
  readonly portMappings: readonly { readonly protocol: number; readonly containerPort: number; readonly hostPort: number; readonly hostIp: string }[];
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly linux: {
    readonly cgroupParent: string;
    readonly sysctls: Labels;
    readonly securityContext: {
      readonly namespaceOptions: NamespaceOptions;
      readonly runAsUser?: { readonly value: number };
      readonly runAsGroup?: { readonly value: number };
      readonly supplementalGroups: readonly number[];
      readonly privileged: boolean;
      readonly seccomp: SecurityProfile;
    };
  };
}

export interface NamespaceOptions {
  readonly network: number;
  readonly pid: number;
  readonly ipc: number;
  readonly targetId?: string;
}

export interface SecurityProfile {
  readonly profileType: number;
  readonly localhostRef?: string;
}

export interface LinuxResources {
  readonly cpuPeriod?: number;
  readonly cpuQuota?: number;
  readonly cpuShares?: number;
  readonly memoryLimitInBytes?: number;
  readonly oomScoreAdj?: number;
  readonly unified?: Labels;
}

export interface CriMount {
  readonly containerPath: string;
  readonly hostPath: string;
  readonly readonly: boolean;
  readonly propagation?: number;
  readonly selinuxRelabel?: boolean;
}

export interface ContainerConfig {
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly image: { readonly image: string; readonly userSpecifiedImage?: string };
  readonly command: readonly string[];
  readonly args: readonly string[];
  readonly workingDir: string;
  readonly envs: readonly { readonly key: string; readonly value: Uint8Array }[];
  readonly mounts: readonly CriMount[];
  readonly devices: readonly { readonly containerPath: string; readonly hostPath: string; readonly permissions: string }[];
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly logPath: string;
  readonly stdin: boolean;
  readonly stdinOnce: boolean;
  readonly tty: boolean;
  readonly linux: {
    readonly resources: LinuxResources;
    readonly securityContext: {
      readonly capabilities: { readonly addCapabilities: readonly string[]; readonly dropCapabilities: readonly string[] };
      readonly privileged: boolean;
      readonly namespaceOptions: NamespaceOptions;
      readonly runAsUser?: { readonly value: number };
      readonly runAsGroup?: { readonly value: number };
      readonly runAsUsername?: string;
      readonly readonlyRootfs: boolean;
      readonly supplementalGroups: readonly number[];
      readonly noNewPrivs: boolean;
      readonly maskedPaths: readonly string[];
      readonly readonlyPaths: readonly string[];
      readonly seccomp: SecurityProfile;
    };
  };
}

export interface Sandbox {
  readonly id: string;
  readonly metadata: SandboxMetadata;
  readonly state: number;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface SandboxStatus extends Sandbox {
  readonly network?: { readonly ip: string; readonly additionalIps: readonly { readonly ip: string }[] };
}

export interface ContainerSummary {
  readonly id: string;
  readonly podSandboxId: string;
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly imageRef: string;
  readonly state: number;
  readonly createdAt: number;
  readonly labels: Labels;
  readonly annotations: Labels;
}

export interface ContainerStatus {
  readonly id: string;
  readonly metadata: { readonly name: string; readonly attempt: number };
  readonly state: number;
  readonly createdAt: number;
  readonly startedAt: number;
  readonly finishedAt: number;
  readonly exitCode: number;
  readonly image?: { readonly image: string; readonly userSpecifiedImage: string };
  readonly imageRef: string;
  readonly reason: string;
  readonly message: string;
  readonly labels: Labels;
  readonly annotations: Labels;
  readonly logPath: string;
}

export interface Image {
  readonly id: string;
  readonly repoTags: readonly string[];
  readonly repoDigests: readonly string[];
  readonly size: number;
  readonly uid?: { readonly value: number };
  readonly username: string;
  readonly pinned: boolean;
}

export interface RegistryAuth {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly serverAddress?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}

export interface RuntimeVersion {
  readonly runtimeName: string;
  readonly runtimeVersion: string;
  readonly runtimeApiVersion: string;
}

export interface RuntimeCondition {
  readonly type: string;
  readonly status: boolean;
  readonly reason: string;
  readonly message: string;
}

export interface ExecResult {
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly exitCode: number;
}

export interface ContainerStats {
  readonly attributes: { readonly id: string; readonly metadata: { readonly name: string; readonly attempt: number }; readonly labels: Labels };
  readonly cpu?: { readonly timestamp: number; readonly usageCoreNanoSeconds?: { readonly value: number } };
  readonly memory?: { readonly timestamp: number; readonly workingSetBytes?: { readonly value: number }; readonly usageBytes?: { readonly value: number } };
  readonly writableLayer?: { readonly usedBytes?: { readonly value: number }; readonly inodesUsed?: { readonly value: number } };
}
