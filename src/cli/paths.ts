import { createHash } from "node:crypto";
import { basename, join } from "node:path";

export const DEFAULT_DATA_DIR = "/var/lib/skiff";

/**
 * Where one cluster keeps what it makes on this machine. A data dir other than the default moves everything below
 * itself, and gives devices, tables and cgroups names of their own, so that clusters do not meet.
 */
export interface Paths {
  readonly dataDir: string;
  readonly runDir: string;
  readonly logsDir: string;
  readonly kubeletDir: string;
  readonly podLogsDir: string;
  readonly containerLogsDir: string;
  readonly database: string;
  /** Keys that encrypt Secrets: an EncryptionConfiguration of upstream's. */
  readonly encryptionKeys: string;
  readonly serverTls: ServerTlsPaths;
  readonly agentTls: AgentTlsPaths;
  readonly containerdDir: string;
  readonly containerdState: string;
  readonly containerdSocket: string;
  /** Prefix of network devices and nftables tables: `skiff`, or `skf` and six hex digits of the data dir's hash. */
  readonly instance: string;
  /** Parent of all pod cgroups, in every hierarchy. */
  readonly cgroupRoot: string;
}

export interface ServerTlsPaths {
  readonly dir: string;
  readonly ca: string;
  readonly caKey: string;
  readonly serving: string;
  readonly servingKey: string;
  readonly admin: string;
  readonly adminKey: string;
  readonly kubeletClient: string;
  readonly kubeletClientKey: string;
  /** Who vouches for users towards extension API servers, and what it is signed by. Whoever has such a certificate may name any user. */
  readonly frontProxyCa: string;
  readonly frontProxyCaKey: string;
  readonly frontProxyClient: string;
  readonly frontProxyClientKey: string;
  /** Private key (PKCS 8, ECDSA P-256) that signs service-account tokens. */
  readonly serviceAccountKey: string;
}

export interface AgentTlsPaths {
  readonly dir: string;
  readonly ca: string;
  readonly client: string;
  readonly clientKey: string;
  readonly serving: string;
  readonly servingKey: string;
}

/** @param dataDir an absolute path */
export function pathsOf(dataDir: string): Paths {
  const moved = dataDir !== DEFAULT_DATA_DIR;
  const instance = moved ? `skf${createHash("sha256").update(dataDir).digest("hex").slice(0, 6)}` : "skiff";
  const runDir = moved ? join(dataDir, "run") : "/run/skiff";
  return {
    dataDir,
    runDir,
    logsDir: join(dataDir, "logs"),
    kubeletDir: moved ? join(dataDir, "kubelet") : "/var/lib/kubelet",
    podLogsDir: moved ? join(dataDir, "log/pods") : "/var/log/pods",
    containerLogsDir: moved ? join(dataDir, "log/containers") : "/var/log/containers",
    database: join(dataDir, "server/db/state.db"),
    encryptionKeys: join(dataDir, "server/cred/encryption-config.json"),
    serverTls: serverTlsPaths(join(dataDir, "server/tls")),
    agentTls: agentTlsPaths(join(dataDir, "agent/tls")),
    containerdDir: join(dataDir, "agent/containerd"),
    containerdState: join(runDir, "containerd"),
    containerdSocket: join(runDir, "containerd/containerd.sock"),
    instance,
    cgroupRoot: moved ? `/${instance}-kubepods` : "/kubepods",
  };
}

/** The cluster's name in a kubeconfig: `skiff`, or with the last part of another data dir. */
export function contextName(dataDir: string): string {
  return dataDir === DEFAULT_DATA_DIR ? "skiff" : `skiff-${basename(dataDir)}`;
}

function serverTlsPaths(dir: string): ServerTlsPaths {
  return {
    dir,
    ca: join(dir, "ca.crt"),
    caKey: join(dir, "ca.key"),
    serving: join(dir, "serving.crt"),
    servingKey: join(dir, "serving.key"),
    admin: join(dir, "admin.crt"),
    adminKey: join(dir, "admin.key"),
    kubeletClient: join(dir, "kubelet-client.crt"),
    kubeletClientKey: join(dir, "kubelet-client.key"),
    frontProxyCa: join(dir, "front-proxy-ca.crt"),
    frontProxyCaKey: join(dir, "front-proxy-ca.key"),
    frontProxyClient: join(dir, "front-proxy-client.crt"),
    frontProxyClientKey: join(dir, "front-proxy-client.key"),
    serviceAccountKey: join(dir, "service-account.key"),
  };
}

function agentTlsPaths(dir: string): AgentTlsPaths {
  return {
    dir,
    ca: join(dir, "ca.crt"),
    client: join(dir, "client.crt"),
    clientKey: join(dir, "client.key"),
    serving: join(dir, "serving.crt"),
    servingKey: join(dir, "serving.key"),
  };
}
