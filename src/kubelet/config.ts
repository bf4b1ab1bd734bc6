/** What the kubelet must know; `cmd` derives it from the agent's settings. */
export interface KubeletConfig {
  readonly dataDir: string;
  readonly nodeName: string;
  readonly nodeIp: string;
  readonly kubeletPort: number;
  /** Root of pod directories, `/var/lib/kubelet` by default. */
  readonly kubeletDir: string;
  readonly podLogsDir: string;
  readonly containerLogsDir: string;
  /** Parent of all pod cgroups. */
  readonly cgroupRoot: string;
  readonly containerd: ContainerdPaths;
  readonly cni: CniPaths;
  readonly clusterCidr: string;
  readonly clusterDns: string;
  readonly clusterDomain: string;
  /** Mirrors and credentials, k3s schema; may be absent. */
  readonly registriesFile: string;
  readonly resolvConf: string;
  readonly pauseImage: string;
}

export interface ContainerdPaths {
  readonly binary: string;
  /** A command that takes the program and its words, and becomes it: how a service manager is told that it is no part of ours. */
  readonly starter?: readonly string[];
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
