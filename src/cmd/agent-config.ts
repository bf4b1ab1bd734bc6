import { join } from "node:path";
import { type AgentTlsPaths, pathsOf } from "#cli/paths.ts";
import type { PortRange, Settings } from "#cli/settings.ts";
import type { LogLevel } from "#lib/logger.ts";

/** All that an agent process needs to know. `src/cli/settings.ts` has the defaults and the checks. */
export interface AgentConfig {
  readonly dataDir: string;
  readonly runDir: string;
  /** The API server's address, such as `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly tls: AgentTlsPaths;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly kubeletPort: number;
  readonly kubeletDir: string;
  readonly podLogsDir: string;
  readonly containerLogsDir: string;
  /** Parent of all pod cgroups. */
  readonly cgroupRoot: string;
  readonly containerd: ContainerdPaths;
  readonly cni: CniPaths;
  /** Prefix of the nftables tables and network devices that this agent makes. */
  readonly instance: string;
  readonly serviceCidr: string;
  readonly clusterCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  readonly nodePortRange: PortRange;
  /** Mirrors and credentials, k3s schema; may be absent. */
  readonly registriesFile: string;
  readonly resolvConf: string;
  readonly pauseImage: string;
  readonly logLevel: LogLevel;
}

export interface ContainerdPaths {
  readonly binary: string;
  readonly root: string;
  readonly state: string;
  readonly socket: string;
  readonly configFile: string;
  /** `config_path`: a folder with a hosts.toml per registry. */
  readonly certsDir: string;
  readonly logFile: string;
}

export interface CniPaths {
  readonly binDir: string;
  readonly confDir: string;
  /** The bridge that pods hang on. */
  readonly bridge: string;
}

export function agentConfig(settings: Settings): AgentConfig {
  const paths = pathsOf(settings.dataDir);
  return {
    dataDir: settings.dataDir,
    runDir: paths.runDir,
    server: settings.server,
    tls: paths.agentTls,
    nodeName: settings.nodeName,
    nodeIp: settings.nodeIp,
    kubeletPort: settings.kubeletPort,
    kubeletDir: paths.kubeletDir,
    podLogsDir: paths.podLogsDir,
    containerLogsDir: paths.containerLogsDir,
    cgroupRoot: paths.cgroupRoot,
    containerd: {
      binary: "containerd",
      root: paths.containerdDir,
      state: paths.containerdState,
      socket: paths.containerdSocket,
      configFile: join(settings.dataDir, "agent/etc/containerd.toml"),
      certsDir: join(settings.dataDir, "agent/etc/certs.d"),
      logFile: join(paths.logsDir, "containerd.log"),
    },
    cni: { binDir: "/usr/lib/cni", confDir: join(settings.dataDir, "agent/etc/cni"), bridge: `${paths.instance}0` },
    instance: paths.instance,
    serviceCidr: settings.serviceCidr,
    clusterCidr: settings.clusterCidr,
    clusterDns: settings.clusterDns,
    clusterDomain: settings.clusterDomain,
    nodePortRange: settings.nodePortRange,
    registriesFile: settings.registriesFile,
    resolvConf: settings.resolvConf,
    pauseImage: settings.pauseImage,
    logLevel: settings.logLevel,
  };
}
