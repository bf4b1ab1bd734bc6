import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isPortName, isPortNumber } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkDnsLabel, type Errors, pushInvalid } from "./checks.ts";
import { validateEnv, validateEnvFrom } from "./validate-env.ts";
import { validateVolumeDevices, validateVolumeMounts, type Volumes } from "./validate-mounts.ts";
import { validateProbesAndHooks } from "./validate-probes.ts";
import { checkPullPolicy } from "./validate-pull-policy.ts";
import { type ResourceOptions, validateContainerResources } from "./validate-resources.ts";
import { validateSecurityContext } from "./validate-security.ts";

/** What containers are checked against. */
export interface ContainerContext {
  readonly spec: core.PodSpec;
  readonly volumes: Volumes;
  readonly resources: ResourceOptions;
  /** Whether the pod runs in the host's user namespace. */
  readonly hostUsers: boolean;
}

export function validateContainers(errors: Errors, context: ContainerContext, path: FieldPath): void {
  const { containers, terminationGracePeriodSeconds } = context.spec;
  if (!containers?.length) return void errors.push(fieldError.required(path));
  const names = new Set<string>();
  for (const [i, container] of containers.entries()) {
    const at = path.index(i);
    validateCommon(errors, container, context, at);
    if (names.has(container.name)) errors.push(fieldError.duplicate(at.child("name"), container.name ?? ""));
    names.add(container.name);
    validateProbesAndHooks(errors, container, terminationGracePeriodSeconds, at);
    validateRestartRules(errors, container, at);
  }
  checkHostPorts(errors, containers, path);
}

const HOOKS = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] as const;

export function validateInitContainers(errors: Errors, context: ContainerContext, path: FieldPath): void {
  const { containers, initContainers = [], terminationGracePeriodSeconds } = context.spec;
  const names = new Set(containers?.map(({ name }) => name));
  for (const [i, container] of initContainers.entries()) {
    const at = path.index(i);
    validateCommon(errors, container, context, at);
    if (container.restartPolicy === "Always") {
      if (container.restartPolicyRules?.length) {
        errors.push(fieldError.forbidden(at.child("restartPolicyRules"), "restartPolicyRules are not allowed for init containers with restart policy Always"));
      }
    } else validateRestartRules(errors, container, at, true);
    if (names.has(container.name)) errors.push(fieldError.duplicate(at.child("name"), container.name ?? ""));
    else if (container.name) names.add(container.name);
    checkHostPorts(errors, [container], path);
    if (container.restartPolicy === "Always") validateProbesAndHooks(errors, container, terminationGracePeriodSeconds, at);
    else {
      for (const field of HOOKS) {
        if (!container[field]) continue;
        errors.push(fieldError.forbidden(at.child(field), "may not be set for init containers without restartPolicy=Always"));
      }
    }
  }
}

/** What a container for debugging may not have, and under which name it is refused. */
const NOT_EPHEMERAL = [
  "ports",
  "resources",
  "resizePolicy",
  "restartPolicy",
  "restartPolicyRules",
  "livenessProbe",
  "readinessProbe",
  "startupProbe",
  "lifecycle",
] as const;

export function validateEphemeralContainers(errors: Errors, context: ContainerContext, path: FieldPath): void {
  const { containers, initContainers = [], ephemeralContainers = [] } = context.spec;
  if (ephemeralContainers.length === 0) return;
  const others = new Set([...(containers ?? []), ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  for (const [i, container] of ephemeralContainers.entries()) {
    const at = path.index(i);
    validateCommon(errors, container, context, at);
    checkImagePadding(errors, container, at);
    if (names.has(container.name)) errors.push(fieldError.duplicate(at.child("name"), container.name ?? ""));
    names.add(container.name);
    const target = container.targetContainerName;
    if (target && !others.has(target)) errors.push(fieldError.notFound(at.child("targetContainerName"), target));
    for (const field of NOT_EPHEMERAL) {
      if (!isUnset(container[field])) errors.push(fieldError.forbidden(at.child(field), "cannot be set for an Ephemeral Container"));
    }
    for (const [j, mount] of (container.volumeMounts ?? []).entries()) {
      for (const field of ["subPath", "subPathExpr"] as const) {
        if (mount[field]) errors.push(fieldError.forbidden(at.child("volumeMounts").index(j).child(field), "cannot be set for an Ephemeral Container"));
      }
    }
  }
}

/** Nothing at all, or resources without any in them. */
function isUnset(value: unknown): boolean {
  return value === undefined || (typeof value === "object" && value !== null && !Array.isArray(value) && Object.keys(value).length === 0);
}

/** Pods only: templates have always been allowed this. */
export function checkImagePadding(errors: Errors, { image = "" }: { readonly image?: string | undefined }, path: FieldPath): void {
  if (image !== image.trim()) errors.push(fieldError.invalid(path.child("image"), image, "must not have leading or trailing whitespace"));
}

function validateCommon(errors: Errors, container: core.Container, context: ContainerContext, path: FieldPath): void {
  if (!container.name) errors.push(fieldError.required(path.child("name")));
  else checkDnsLabel(errors, container.name, path.child("name"));
  if (!container.image) errors.push(fieldError.required(path.child("image")));
  const policy = container.terminationMessagePolicy;
  if (!policy) errors.push(fieldError.required(path.child("terminationMessagePolicy")));
  else checkAllowed(errors, policy, ["File", "FallbackToLogsOnError"], path.child("terminationMessagePolicy"));
  if (container.ports) validatePorts(errors, container.ports, path.child("ports"));
  if (container.env) validateEnv(errors, container.env, path.child("env"));
  if (container.envFrom) validateEnvFrom(errors, container.envFrom, path.child("envFrom"));
  if (container.volumeMounts) validateVolumeMounts(errors, container, context.volumes, path.child("volumeMounts"));
  if (container.volumeDevices) validateVolumeDevices(errors, container, context.volumes, path.child("volumeDevices"));
  checkPullPolicy(errors, container.imagePullPolicy, path.child("imagePullPolicy"));
  if (container.resources) validateContainerResources(errors, container.resources, context.resources, path.child("resources"));
  if (container.resizePolicy) validateResizePolicy(errors, container.resizePolicy, context.spec.restartPolicy, path.child("resizePolicy"));
  if (container.securityContext) validateSecurityContext(errors, container.securityContext, context.hostUsers, path.child("securityContext"));
}

const PROTOCOLS = ["SCTP", "TCP", "UDP"];

function validatePorts(errors: Errors, ports: readonly core.ContainerPort[], path: FieldPath): void {
  const names = new Set<string>();
  for (const [i, port] of ports.entries()) {
    const at = path.index(i);
    if (port.name) {
      const messages = isPortName(port.name);
      if (messages.length > 0) pushInvalid(errors, at.child("name"), port.name, messages);
      else if (names.has(port.name)) errors.push(fieldError.duplicate(at.child("name"), port.name));
      else names.add(port.name);
    }
    if (!port.containerPort) errors.push(fieldError.required(at.child("containerPort")));
    else pushInvalid(errors, at.child("containerPort"), port.containerPort, isPortNumber(port.containerPort));
    if (port.hostPort) pushInvalid(errors, at.child("hostPort"), port.hostPort, isPortNumber(port.hostPort));
    if (!port.protocol) errors.push(fieldError.required(at.child("protocol")));
    else checkAllowed(errors, port.protocol, PROTOCOLS, at.child("protocol"));
  }
}

function checkHostPorts(errors: Errors, containers: readonly core.Container[], path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, container] of containers.entries()) {
    for (const [j, { protocol = "", hostIP = "", hostPort }] of (container.ports ?? []).entries()) {
      if (!hostPort) continue;
      const key = `${protocol}/${hostIP}/${hostPort}`;
      if (seen.has(key)) errors.push(fieldError.duplicate(path.index(i).child("ports").index(j).child("hostPort"), key));
      seen.add(key);
    }
  }
}

function validateResizePolicy(errors: Errors, policies: readonly core.ContainerResizePolicy[], podRestartPolicy: string | undefined, path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, { resourceName = "", restartPolicy = "" }] of policies.entries()) {
    if (seen.has(resourceName)) errors.push(fieldError.duplicate(path.index(i), resourceName));
    seen.add(resourceName);
    if (resourceName === "") errors.push(fieldError.required(path));
    else checkAllowed(errors, resourceName, ["cpu", "memory"], path);
    if (restartPolicy === "") errors.push(fieldError.required(path));
    else checkAllowed(errors, restartPolicy, ["NotRequired", "RestartContainer"], path);
    if (podRestartPolicy === "Never" && restartPolicy !== "NotRequired") {
      errors.push(fieldError.invalid(path, restartPolicy, "must be 'NotRequired' when `restartPolicy` is 'Never'"));
    }
  }
}

const MAX_RESTART_RULES = 20;
const MAX_EXIT_CODES = 255;

function validateRestartRules(errors: Errors, { restartPolicy, restartPolicyRules: rules = [] }: core.Container, path: FieldPath, isInit = false): void {
  if (restartPolicy === undefined) {
    if (rules.length === 0) return;
    errors.push(fieldError.required(path.child("restartPolicy"), "must specify restartPolicy when restart rules are used"));
    if (isInit) return;
  } else checkAllowed(errors, restartPolicy, ["Always", "Never", "OnFailure"], path.child("restartPolicy"));
  const rulesPath = path.child("restartPolicyRules");
  if (rules.length > MAX_RESTART_RULES) errors.push(fieldError.tooLong(rulesPath, MAX_RESTART_RULES));
  for (const [i, { action, exitCodes }] of rules.entries()) {
    const at = rulesPath.index(i);
    checkAllowed(errors, action ?? "", ["Restart"], at.child("action"));
    if (!exitCodes) {
      errors.push(fieldError.required(at.child("exitCodes"), "must be specified"));
      continue;
    }
    checkAllowed(errors, exitCodes.operator ?? "", ["In", "NotIn"], at.child("exitCodes", "operator"));
    if ((exitCodes.values?.length ?? 0) > MAX_EXIT_CODES) errors.push(fieldError.tooLong(at.child("exitCodes", "values"), MAX_EXIT_CODES));
  }
}
