import { join } from "node:path";
import { type AgentTlsPaths, pathsOf } from "#cli/paths.ts";
import type { PortRange, Settings } from "#cli/settings.ts";
import { scopeCommand } from "#cli/systemd.ts";
import type { KubeletConfig } from "#kubelet/config.ts";
import type { LogLevel } from "#lib/logger.ts";

/** All that an agent process needs to know: what its kubelet does, and more. `src/cli/settings.ts` has the defaults and the checks. */
export interface AgentConfig extends KubeletConfig {
  readonly runDir: string;
  /** The API server's address, such as `https://127.0.0.1:6443`. */
  readonly server: string;
  readonly tls: AgentTlsPaths;
  /** Prefix of the nftables tables and network devices that this agent makes. */
  readonly instance: string;
  readonly serviceCidr: string;
  readonly nodePortRange: PortRange;
  readonly logLevel: LogLevel;
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
      starter: scopeCommand(),
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
