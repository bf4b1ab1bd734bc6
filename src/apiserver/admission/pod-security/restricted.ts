import type { PodSpec, Volume } from "#api/core-v1/types.ts";
import { procMount, unconfined, USER_NAMESPACES_SINCE } from "#apiserver/admission/pod-security/baseline.ts";
import type { Check } from "#apiserver/admission/pod-security/checks.ts";
import { allContainers, named, plural, quoted, setters } from "#apiserver/admission/pod-security/containers.ts";

const ALLOWED_VOLUMES = new Set(["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"]);
/** From this release on, rules for Linux leave Windows pods alone. */
const OS_AWARE_SINCE = 25;

const onLinux =
  (find: Check["find"]): Check["find"] =>
  (spec, minor) =>
    minor >= OS_AWARE_SINCE && spec.os?.name === "windows" ? undefined : find(spec, minor);

const outsideUserNamespace =
  (find: Check["find"]): Check["find"] =>
  (spec, minor) =>
    minor >= USER_NAMESPACES_SINCE && spec.hostUsers === false ? undefined : find(spec, minor);

/** What comes on top of the baseline. */
export const restrictedChecks: readonly Check[] = [
  { id: "allowPrivilegeEscalation", since: 8, reason: "allowPrivilegeEscalation != false", find: onLinux(escalation) },
  { id: "capabilities_restricted", since: 22, replaces: "capabilities_baseline", reason: "unrestricted capabilities", find: onLinux(capabilities) },
  { id: "procMount_restricted", since: 0, replaces: "procMount", reason: "procMount", find: procMount },
  { id: "restrictedVolumes", since: 0, replaces: "hostPathVolumes", reason: "restricted volume types", find: volumeTypes },
  { id: "runAsNonRoot", since: 0, reason: "runAsNonRoot != true", find: outsideUserNamespace(runAsNonRoot) },
  { id: "runAsUser", since: 23, reason: "runAsUser=0", find: outsideUserNamespace(runAsUser) },
  { id: "seccompProfile_restricted", since: 19, replaces: "seccompProfile_baseline", reason: "seccompProfile", find: onLinux(seccomp) },
];

function escalation(spec: PodSpec): string | undefined {
  const bad = allContainers(spec).filter(({ securityContext }) => securityContext?.allowPrivilegeEscalation !== false);
  return bad.length === 0 ? undefined : `${named(bad)} must set securityContext.allowPrivilegeEscalation=false`;
}

function capabilities(spec: PodSpec): string | undefined {
  const containers = allContainers(spec);
  const extra = (names: readonly string[] = []) => names.filter((name) => name !== "NET_BIND_SERVICE");
  const keeping = containers.filter(({ securityContext }) => !securityContext?.capabilities?.drop?.includes("ALL"));
  const adding = containers.filter(({ securityContext }) => extra(securityContext?.capabilities?.add).length > 0);
  const added = [...new Set(adding.flatMap(({ securityContext }) => extra(securityContext?.capabilities?.add)))].sort();
  const texts = [
    ...(keeping.length > 0 ? [`${named(keeping)} must set securityContext.capabilities.drop=["ALL"]`] : []),
    ...(adding.length > 0 ? [`${named(adding)} must not include ${quoted(added)} in securityContext.capabilities.add`] : []),
  ];
  return texts.length === 0 ? undefined : texts.join("; ");
}

const sourceOf = ({ name: _, ...sources }: Volume): string => Object.keys(sources)[0] ?? "emptyDir";

function volumeTypes({ volumes = [] }: PodSpec): string | undefined {
  const bad = volumes.filter((volume) => !ALLOWED_VOLUMES.has(sourceOf(volume)));
  if (bad.length === 0) return undefined;
  const types = [...new Set(bad.map(sourceOf))].sort();
  return `${named(bad, "volume")} ${plural("uses", "use", bad.length)} restricted volume ${plural("type", "types", types.length)} ${quoted(types)}`;
}

function runAsNonRoot(spec: PodSpec): string | undefined {
  const own = spec.securityContext?.runAsNonRoot;
  const containers = allContainers(spec);
  const who = setters(
    own === false,
    containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === false),
  );
  if (who !== undefined) return `${who} must not set securityContext.runAsNonRoot=false`;
  const silent = own ? [] : containers.filter(({ securityContext }) => securityContext?.runAsNonRoot === undefined);
  return silent.length === 0 ? undefined : `pod or ${named(silent)} must set securityContext.runAsNonRoot=true`;
}

function runAsUser(spec: PodSpec): string | undefined {
  const who = setters(
    spec.securityContext?.runAsUser === 0,
    allContainers(spec).filter(({ securityContext }) => securityContext?.runAsUser === 0),
  );
  return who === undefined ? undefined : `${who} must not set runAsUser=0`;
}

function seccomp(spec: PodSpec): string | undefined {
  const bad = unconfined(spec);
  if (bad !== undefined) return bad;
  const silent =
    spec.securityContext?.seccompProfile !== undefined
      ? []
      : allContainers(spec).filter(({ securityContext }) => securityContext?.seccompProfile === undefined);
  return silent.length === 0 ? undefined : `pod or ${named(silent)} must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost"`;
}
