import type { CniPaths, ContainerdPaths } from "#kubelet/config.ts";

export interface ContainerdOptions {
  readonly paths: ContainerdPaths;
  readonly cni: CniPaths;
  readonly sandboxImage: string;
  /** Whether scores below our own must be raised to it: without CAP_SYS_RESOURCE they cannot be lowered. */
  readonly restrictOomScoreAdj: boolean;
  /** A TOML fragment of `registry.configs`, see registries.ts. */
  readonly registryConfigs: string;
}

/** The handler of pods with ports of the host: their network has one plugin more, which others need not wait for. */
export const HOST_PORT_HANDLER = "runc-hostport";

/** Where that handler's network is described. */
export function hostPortConfDir({ confDir }: Pick<CniPaths, "confDir">): string {
  return `${confDir}-hostport`;
}

/** Plugins that a node has no use for; each costs a check at start. */
const DISABLED = ["aufs", "btrfs", "devmapper", "zfs"].map((name) => `io.containerd.snapshotter.v1.${name}`);

/** containerd's configuration file, version 2, for an instance that shares nothing with another one on the machine. */
export function containerdConfig({ paths, cni, sandboxImage, restrictOomScoreAdj, registryConfigs }: ContainerdOptions): string {
  const text = JSON.stringify;
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `version = 2
root = ${text(paths.root)}
state = ${text(paths.state)}
disabled_plugins = ${text([...DISABLED, "io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"])}

[grpc]
  address = ${text(paths.socket)}

[${cri}]
  sandbox_image = ${text(sandboxImage)}
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = ${restrictOomScoreAdj}
  stream_server_address = "127.0.0.1"
  stream_server_port = "0"
  max_concurrent_downloads = 3
  enable_unprivileged_ports = true
  enable_unprivileged_icmp = true
  tolerate_missing_hugetlb_controller = true

[${cri}.containerd]
  snapshotter = "overlayfs"
  default_runtime_name = "runc"

[${cri}.containerd.runtimes.runc]
  runtime_type = "io.containerd.runc.v2"

[${cri}.containerd.runtimes.runc.options]
  SystemdCgroup = false

[${cri}.containerd.runtimes.${HOST_PORT_HANDLER}]
  runtime_type = "io.containerd.runc.v2"
  cni_conf_dir = ${text(hostPortConfDir(cni))}

[${cri}.containerd.runtimes.${HOST_PORT_HANDLER}.options]
  SystemdCgroup = false

[${cri}.cni]
  bin_dir = ${text(cni.binDir)}
  conf_dir = ${text(cni.confDir)}

[${cri}.registry]
  config_path = ${text(paths.certsDir)}
${registryConfigs}
[plugins."io.containerd.internal.v1.opt"]
  path = ${text(`${paths.root}/opt`)}
`;
}
