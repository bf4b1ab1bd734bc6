import type { PodSpec } from "#api/core-v1/types.ts";
import type { Check } from "#apiserver/admission/pod-security/checks.ts";
import { allContainers, named, plural, quoted, setters } from "#apiserver/admission/pod-security/containers.ts";

const DEFAULT_CAPABILITIES = new Set([
  ...["AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP", "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT"],
]);
const SELINUX_TYPES: Readonly<Record<string, number>> = { "": 0, container_t: 0, container_init_t: 0, container_kvm_t: 0, container_engine_t: 31 };
/** Sysctls that reach no further than the pod, with the release that first allowed them. */
const SYSCTLS: Readonly<Record<string, number>> = {
  "kernel.shm_rmid_forced": 0,
  "net.ipv4.ip_local_port_range": 0,
  "net.ipv4.tcp_syncookies": 0,
  "net.ipv4.ping_group_range": 0,
  "net.ipv4.ip_unprivileged_port_start": 0,
  "net.ipv4.ip_local_reserved_ports": 27,
  "net.ipv4.tcp_keepalive_time": 29,
  "net.ipv4.tcp_fin_timeout": 29,
  "net.ipv4.tcp_keepalive_intvl": 29,
  "net.ipv4.tcp_keepalive_probes": 29,
  "net.ipv4.tcp_rmem": 32,
  "net.ipv4.tcp_wmem": 32,
};
const LOCAL_HOSTS = new Set(["", "localhost", "127.0.0.1", "::1"]);

/** A pod in a user namespace of its own may be root there. From this release on that counts. */
export const USER_NAMESPACES_SINCE = 35;

const inOrder = (texts: Iterable<string>): string[] => [...new Set(texts)].sort();

/** @see kubernetes.io/docs/concepts/security/pod-security-standards */
export const baselineChecks: readonly Check[] = [
  { id: "appArmorProfile", since: 0, reason: "forbidden AppArmor profile", find: appArmor },
  { id: "capabilities_baseline", since: 0, reason: "non-default capabilities", find: capabilities },
  { id: "hostNamespaces", since: 0, reason: "host namespaces", find: hostNamespaces },
  { id: "hostPathVolumes", since: 0, reason: "hostPath volumes", find: hostPaths },
  { id: "hostPorts", since: 0, reason: "hostPort", find: hostPorts },
  { id: "hostProbesAndHostLifecycle", since: 34, reason: "probe or lifecycle host", find: probeHosts },
  { id: "privileged", since: 0, reason: "privileged", find: privileged },
  {
    id: "procMount",
    since: 0,
    reason: "procMount",
    find: (spec, minor) => (minor >= USER_NAMESPACES_SINCE && spec.hostUsers === false ? undefined : procMount(spec)),
  },
  { id: "seLinuxOptions", since: 0, reason: "seLinuxOptions", find: seLinux },
  { id: "seccompProfile_baseline", since: 19, reason: "seccompProfile", find: unconfined },
  { id: "sysctls", since: 0, reason: "forbidden sysctls", find: sysctls },
  { id: "windowsHostProcess", since: 0, reason: "hostProcess", find: hostProcess },
];

function appArmor(spec: PodSpec): string | undefined {
  const bad = (type: string | undefined) => type === "Unconfined";
  const containers = allContainers(spec).filter(({ securityContext }) => bad(securityContext?.appArmorProfile?.type));
  const who = setters(bad(spec.securityContext?.appArmorProfile?.type), containers);
  return who === undefined ? undefined : `${who} must not set AppArmor profile type to "Unconfined"`;
}

function capabilities(spec: PodSpec): string | undefined {
  const added = (names: readonly string[] = []) => names.filter((name) => !DEFAULT_CAPABILITIES.has(name));
  const bad = allContainers(spec).filter(({ securityContext }) => added(securityContext?.capabilities?.add).length > 0);
  if (bad.length === 0) return undefined;
  const all = inOrder(bad.flatMap(({ securityContext }) => added(securityContext?.capabilities?.add)));
  return `${named(bad)} must not include ${quoted(all)} in securityContext.capabilities.add`;
}

function hostNamespaces({ hostNetwork, hostPID, hostIPC }: PodSpec): string | undefined {
  const used = [hostNetwork && "hostNetwork=true", hostPID && "hostPID=true", hostIPC && "hostIPC=true"].filter(Boolean);
  return used.length === 0 ? undefined : used.join(", ");
}

function hostPaths({ volumes = [] }: PodSpec): string | undefined {
  const bad = volumes.filter(({ hostPath }) => hostPath !== undefined);
  return bad.length === 0 ? undefined : named(bad, "volume");
}

function hostPorts(spec: PodSpec): string | undefined {
  const bad = allContainers(spec).filter(({ ports = [] }) => ports.some(({ hostPort }) => hostPort));
  if (bad.length === 0) return undefined;
  const ports = inOrder(bad.flatMap(({ ports: all = [] }) => all.flatMap(({ hostPort }) => (hostPort ? [String(hostPort)] : []))));
  return `${named(bad)} ${plural("uses", "use", bad.length)} ${plural("hostPort", "hostPorts", ports.length)} ${ports.join(", ")}`;
}

function probeHosts(spec: PodSpec): string | undefined {
  const hostsOf = ({ livenessProbe, readinessProbe, startupProbe, lifecycle }: ReturnType<typeof allContainers>[number]) =>
    [livenessProbe, readinessProbe, startupProbe, lifecycle?.postStart, lifecycle?.preStop]
      .flatMap((handler) => [handler?.httpGet?.host ?? "", handler?.tcpSocket?.host ?? ""])
      .filter((host) => !LOCAL_HOSTS.has(host));
  const bad = allContainers(spec).filter((container) => hostsOf(container).length > 0);
  if (bad.length === 0) return undefined;
  const hosts = inOrder(bad.flatMap(hostsOf));
  return `${named(bad)} ${plural("uses", "use", bad.length)} probe or lifecycle ${plural("host", "hosts", hosts.length)} ${quoted(hosts)}`;
}

function privileged(spec: PodSpec): string | undefined {
  const bad = allContainers(spec).filter(({ securityContext }) => securityContext?.privileged);
  return bad.length === 0 ? undefined : `${named(bad)} must not set securityContext.privileged=true`;
}

export function procMount(spec: PodSpec): string | undefined {
  const types = (mount: string | undefined) => mount !== undefined && mount !== "Default";
  const bad = allContainers(spec).filter(({ securityContext }) => types(securityContext?.procMount));
  if (bad.length === 0) return undefined;
  return `${named(bad)} must not set securityContext.procMount to ${quoted(inOrder(bad.map(({ securityContext }) => securityContext!.procMount!)))}`;
}

type SeLinux = NonNullable<NonNullable<PodSpec["securityContext"]>["seLinuxOptions"]>;

function seLinux(spec: PodSpec, minor: number): string | undefined {
  const isBadType = ({ type = "" }: SeLinux) => !(minor >= (SELINUX_TYPES[type] ?? Number.POSITIVE_INFINITY));
  const isBad = (options: SeLinux | undefined) => options !== undefined && (isBadType(options) || Boolean(options.user) || Boolean(options.role));
  const containers = allContainers(spec).filter(({ securityContext }) => isBad(securityContext?.seLinuxOptions));
  const own = spec.securityContext?.seLinuxOptions;
  const who = setters(isBad(own), containers);
  if (who === undefined) return undefined;
  const all = [own, ...containers.map(({ securityContext }) => securityContext?.seLinuxOptions)].filter((options) => options !== undefined);
  const types = inOrder(all.filter(isBadType).map(({ type = "" }) => type));
  const what = [
    ...(types.length > 0 ? [`${plural("type", "types", types.length)} ${quoted(types)}`] : []),
    ...(all.some(({ user }) => user) ? ["user may not be set"] : []),
    ...(all.some(({ role }) => role) ? ["role may not be set"] : []),
  ];
  return `${who} set forbidden securityContext.seLinuxOptions: ${what.join("; ")}`;
}

/** Profiles that are set and are neither the run time's nor a file of the node. */
export function unconfined(spec: PodSpec): string | undefined {
  const isBad = (type: string | undefined) => type !== undefined && type !== "RuntimeDefault" && type !== "Localhost";
  const own = spec.securityContext?.seccompProfile?.type;
  const containers = allContainers(spec).filter(({ securityContext }) => isBad(securityContext?.seccompProfile?.type));
  const who = setters(isBad(own), containers);
  if (who === undefined) return undefined;
  const types = inOrder([...(isBad(own) ? [own!] : []), ...containers.map(({ securityContext }) => securityContext!.seccompProfile!.type)]);
  return `${who} must not set securityContext.seccompProfile.type to ${quoted(types)}`;
}

function sysctls({ securityContext }: PodSpec, minor: number): string | undefined {
  const bad = (securityContext?.sysctls ?? []).map(({ name }) => name).filter((name) => !(minor >= (SYSCTLS[name] ?? Number.POSITIVE_INFINITY)));
  return bad.length === 0 ? undefined : bad.join(", ");
}

function hostProcess(spec: PodSpec): string | undefined {
  const containers = allContainers(spec).filter(({ securityContext }) => securityContext?.windowsOptions?.hostProcess);
  const who = setters(spec.securityContext?.windowsOptions?.hostProcess ?? false, containers);
  return who === undefined ? undefined : `${who} must not set securityContext.windowsOptions.hostProcess=true`;
}
