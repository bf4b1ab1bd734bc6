import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { validateIPForLegacyField } from "#apimachinery/validation/ip.ts";
import { isDns1123Subdomain, isDns1123SubdomainWithUnderscore } from "#apimachinery/validation/names.ts";
import { validateAnnotations, validateLabels } from "#apimachinery/validation/object-meta.ts";

import { checkAnnotationsMatch, MIRROR_POD, validatePodAnnotations } from "./annotations.ts";
import { checkAllowed, checkDnsLabel, checkDnsSubdomain, checkQualifiedName, type Errors, pushInvalid, rangeMessage } from "./checks.ts";
import { goValue } from "./go-values.ts";
import type { PodSpecOptions } from "./options.ts";
import { type ContainerContext, validateContainers, validateEphemeralContainers, validateInitContainers } from "./validate-containers.ts";
import { validateHostNetworkPorts, validateHostnameOverride, validateHostProcess, validateHostUsers, validateOS } from "./validate-host.ts";
import { validatePodResources } from "./validate-pod-resources.ts";
import { validateContainerResources } from "./validate-resources.ts";
import { validateAffinity, validateSchedulingGates, validateTolerations, validateTopologySpread } from "./validate-scheduling.ts";
import { validatePodSecurityContext } from "./validate-security.ts";
import { validateVolumes } from "./validate-volumes.ts";
import { eachContainer } from "./visit.ts";

/** What a pod's spec is checked with besides: of a pod, its name and annotations. */
export interface PodMeta {
  readonly name?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

const MAX_INT32 = 2 ** 31 - 1;

/**
 * Checks a pod's spec, of a pod or a template.
 *
 * @param meta the pod's metadata; templates have none
 * @see kubernetes pkg/apis/core/validation/validation.go ValidatePodSpec for rules, their order, paths and texts
 */
export function validatePodSpec(errors: Errors, spec: core.PodSpec, meta: PodMeta | undefined, options: PodSpecOptions, path: FieldPath): void {
  if (spec.terminationGracePeriodSeconds === undefined) errors.push(fieldError.required(path.child("terminationGracePeriodSeconds")));
  const volumes = validateVolumes(errors, spec.volumes ?? [], meta?.name, options, path.child("volumes"));
  const claimNames = new Set((spec.resourceClaims ?? []).map(({ name }) => name).filter(Boolean));
  const resources = { claimNames, allowIndivisibleHugePages: options.allowIndivisibleHugePages };
  const context: ContainerContext = { spec, volumes, resources, hostUsers: spec.hostUsers !== false };
  if (spec.resourceClaims) validateResourceClaims(errors, spec.resourceClaims, meta, path.child("resourceClaims"));
  validateContainers(errors, context, path.child("containers"));
  if (spec.initContainers) validateInitContainers(errors, context, path.child("initContainers"));
  if (spec.ephemeralContainers) validateEphemeralContainers(errors, context, path.child("ephemeralContainers"));
  if (spec.resources) validatePodResources(errors, spec, spec.resources, resources, path);
  validateHostNetworkPorts(errors, spec, options, path);
  validatePolicies(errors, spec, path);
  if (spec.nodeSelector) errors.push(...validateLabels(spec.nodeSelector, path.child("nodeSelector")));
  if (spec.securityContext) validatePodSecurityContext(errors, spec, options, path.child("securityContext"));
  if (spec.affinity) validateAffinity(errors, spec.affinity, options, path.child("affinity"));
  validateDnsConfig(errors, spec, path.child("dnsConfig"));
  for (const [i, { conditionType = "" }] of (spec.readinessGates ?? []).entries()) {
    checkQualifiedName(errors, conditionType, path.child("readinessGates").index(i).child("conditionType"));
  }
  if (spec.schedulingGates) validateSchedulingGates(errors, spec.schedulingGates, path.child("schedulingGates"));
  if (spec.topologySpreadConstraints) validateTopologySpread(errors, spec.topologySpreadConstraints, options, path.child("topologySpreadConstraints"));
  validateHostProcess(errors, spec, path);
  validateHostUsers(errors, spec, options, path);
  validateHostnameOverride(errors, spec, path);
  validateNames(errors, spec, path);
  if (spec.overhead) validateContainerResources(errors, { limits: spec.overhead }, resources, path.child("overhead"));
  if (spec.os) validateOS(errors, spec, spec.os, path);
  validateFileKeyVolumes(errors, spec, path);
}

function validatePolicies(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const { restartPolicy, dnsPolicy } = spec;
  if (!restartPolicy) errors.push(fieldError.required(path.child("restartPolicy")));
  else checkAllowed(errors, restartPolicy, ["Always", "OnFailure", "Never"], path.child("restartPolicy"));
  if (!dnsPolicy) errors.push(fieldError.required(path.child("dnsPolicy")));
  else checkAllowed(errors, dnsPolicy, ["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], path.child("dnsPolicy"));
}

function validateNames(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const checkName = (field: "serviceAccountName" | "nodeName" | "priorityClassName" | "runtimeClassName") => {
    const name = spec[field];
    if (name || (field === "runtimeClassName" && name !== undefined)) pushInvalid(errors, path.child(field), name, isDns1123Subdomain(name));
  };
  checkName("serviceAccountName");
  checkName("nodeName");
  const deadline = spec.activeDeadlineSeconds;
  if (deadline !== undefined && (deadline < 1 || deadline > MAX_INT32)) {
    errors.push(fieldError.invalid(path.child("activeDeadlineSeconds"), deadline, rangeMessage(1, MAX_INT32)));
  }
  if (spec.hostname) checkDnsLabel(errors, spec.hostname, path.child("hostname"));
  if (spec.subdomain) checkDnsLabel(errors, spec.subdomain, path.child("subdomain"));
  if (spec.tolerations) validateTolerations(errors, spec.tolerations, path.child("tolerations"));
  if (spec.hostAliases) validateHostAliases(errors, spec.hostAliases, path.child("hostAliases"));
  checkName("priorityClassName");
  checkName("runtimeClassName");
  const { preemptionPolicy } = spec;
  if (preemptionPolicy === "") errors.push(fieldError.required(path.child("preemptionPolicy")));
  else if (preemptionPolicy !== undefined) checkAllowed(errors, preemptionPolicy, ["PreemptLowerPriority", "Never"], path.child("preemptionPolicy"));
}

function validateResourceClaims(errors: Errors, claims: readonly core.PodResourceClaim[], meta: PodMeta | undefined, path: FieldPath): void {
  const names = new Set<string>();
  for (const [i, claim] of claims.entries()) {
    if (meta?.annotations?.[MIRROR_POD] !== undefined) {
      errors.push({ ...fieldError.forbidden(path, "static pods do not support resource claims"), field: "[]" });
      continue;
    }
    const at = path.index(i);
    const { name, resourceClaimName, resourceClaimTemplateName } = claim;
    if (!name) errors.push(fieldError.required(at.child("name")));
    else if (names.has(name)) errors.push(fieldError.duplicate(at.child("name"), name));
    else checkDnsLabel(errors, name, at.child("name"));
    names.add(name);
    if (resourceClaimName !== undefined && resourceClaimTemplateName !== undefined) {
      errors.push(
        fieldError.invalid(at, goValue("PodResourceClaim", claim), "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified"),
      );
    } else if (resourceClaimName === undefined && resourceClaimTemplateName === undefined) {
      errors.push(fieldError.invalid(at, goValue("PodResourceClaim", claim), "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`"));
    }
    if (resourceClaimName !== undefined) checkDnsSubdomain(errors, resourceClaimName, at.child("resourceClaimName"));
    if (resourceClaimTemplateName !== undefined) checkDnsSubdomain(errors, resourceClaimTemplateName, at.child("resourceClaimTemplateName"));
  }
}

const MAX_NAMESERVERS = 3;
const MAX_SEARCH_PATHS = 32;
const MAX_SEARCH_CHARACTERS = 2048;

function validateDnsConfig(errors: Errors, { dnsConfig: config, dnsPolicy }: core.PodSpec, path: FieldPath): void {
  if (dnsPolicy === "None") {
    if (!config) return void errors.push(fieldError.required(path, "must provide `dnsConfig` when `dnsPolicy` is None"));
    if (!config.nameservers?.length) {
      return void errors.push(fieldError.required(path.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None"));
    }
  }
  if (!config) return;
  const { nameservers = [], searches = [], options = [] } = config;
  const tooMany = (field: "nameservers" | "searches", what: string) => {
    errors.push(fieldError.invalid(path.child(field), config[field], `must not have more than ${what}`));
  };
  if (nameservers.length > MAX_NAMESERVERS) tooMany("nameservers", `${MAX_NAMESERVERS} nameservers`);
  for (const [i, server] of nameservers.entries()) errors.push(...validateIPForLegacyField(server, path.child("nameservers").index(i)));
  if (searches.length > MAX_SEARCH_PATHS) tooMany("searches", `${MAX_SEARCH_PATHS} search paths`);
  if (searches.join(" ").length > MAX_SEARCH_CHARACTERS) {
    tooMany("searches", `${MAX_SEARCH_CHARACTERS} characters (including spaces) in the search list`);
  }
  for (const [i, search] of searches.entries()) {
    if (search === ".") continue;
    const domain = search.endsWith(".") ? search.slice(0, -1) : search;
    pushInvalid(errors, path.child("searches").index(i), domain, isDns1123SubdomainWithUnderscore(domain));
  }
  for (const [i, { name }] of options.entries()) if (!name) errors.push(fieldError.required(path.child("options").index(i), "must not be empty"));
}

function validateHostAliases(errors: Errors, aliases: readonly core.HostAlias[], path: FieldPath): void {
  for (const [i, { ip = "", hostnames = [] }] of aliases.entries()) {
    errors.push(...validateIPForLegacyField(ip, path.index(i).child("ip")));
    for (const [j, hostname] of hostnames.entries()) checkDnsSubdomain(errors, hostname, path.index(i).child("hostnames").index(j));
  }
}

/** A file that variables come from lies in an empty directory of the pod. */
function validateFileKeyVolumes(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  eachContainer(spec, path, ({ env = [] }, at) => {
    for (const [i, { valueFrom }] of env.entries()) {
      const name = valueFrom?.fileKeyRef?.volumeName;
      if (name === undefined) continue;
      const volume = spec.volumes?.findLast((v) => v.name === name);
      const namePath = at().child("env").index(i).child("valueFrom", "fileKeyRef", "volumeName");
      if (!volume) errors.push(fieldError.notFound(namePath, name));
      else if (!volume.emptyDir) errors.push(fieldError.invalid(namePath, name, "referenced volume must be of type emptyDir"));
    }
  });
}

/** A template's metadata and spec. `path` is the template's. */
export function validatePodTemplate(errors: Errors, template: core.PodTemplateSpec, options: PodSpecOptions, path: FieldPath): void {
  const { labels, annotations } = template.metadata ?? {};
  const specPath = path.child("spec");
  if (labels) errors.push(...validateLabels(labels, path.child("labels")));
  if (annotations) {
    errors.push(...validateAnnotations(annotations, path.child("annotations")));
    validatePodAnnotations(errors, annotations, template.spec, options, path.child("annotations"));
  }
  validatePodSpec(errors, template.spec, undefined, options, specPath);
  checkAnnotationsMatch(errors, annotations, template.spec, specPath);
  if (template.spec.ephemeralContainers?.length) {
    errors.push(fieldError.forbidden(specPath.child("ephemeralContainers"), "ephemeral containers not allowed in pod template"));
  }
}
