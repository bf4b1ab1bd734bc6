import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { checkDnsSubdomain, type Errors } from "./checks.ts";
import type { PodSpecOptions } from "./options.ts";
import { eachContainer } from "./visit.ts";

/** With the host's network, a container's ports are the host's. */
export function validateHostNetworkPorts(errors: Errors, spec: core.PodSpec, options: PodSpecOptions, path: FieldPath): void {
  if (!spec.hostNetwork) return;
  for (const [i, { ports = [] }] of (spec.containers ?? []).entries()) {
    for (const [j, { hostPort = 0, containerPort = 0 }] of ports.entries()) {
      if (hostPort === containerPort || (hostPort === 0 && !options.isPod)) continue;
      const at = path.child("containers").index(i).child("ports").index(j).child("hostPort");
      errors.push(fieldError.invalid(at, hostPort, "must match `containerPort` when `hostNetwork` is true"));
    }
  }
}

/** A user namespace of its own excludes the host's other namespaces. */
export function validateHostUsers(errors: Errors, spec: core.PodSpec, options: PodSpecOptions, path: FieldPath): void {
  if (spec.hostUsers !== false) return;
  const refuse = (at: FieldPath) => errors.push(fieldError.forbidden(at, "when `hostUsers` is false"));
  if (spec.hostNetwork && !options.allowHostNetworkInUserNamespace) refuse(path.child("hostNetwork"));
  if (spec.hostPID) refuse(path.child("HostPID"));
  if (spec.hostIPC) refuse(path.child("HostIPC"));
  if (options.allowUserNamespaceDevices) return;
  eachContainer(spec, path, ({ volumeDevices }, at) => {
    if (volumeDevices?.length) refuse(at().child("volumeDevices"));
  });
}

const HOSTNAME_MAX = 64;

export function validateHostnameOverride(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const { hostnameOverride } = spec;
  if (hostnameOverride === undefined) return;
  const at = path.child("hostnameOverride");
  if (spec.setHostnameAsFQDN) errors.push(fieldError.forbidden(at, "may not be specified when setHostnameAsFQDN is true"));
  if (spec.hostNetwork) errors.push(fieldError.forbidden(at, "may not be specified when hostNetwork is true"));
  if (hostnameOverride.length > HOSTNAME_MAX) errors.push(fieldError.tooLong(at, HOSTNAME_MAX));
  checkDnsSubdomain(errors, hostnameOverride, at);
}

/** Windows' host processes: all of a pod's containers or none, and with the host's network. */
export function validateHostProcess(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const ofPod = spec.securityContext?.windowsOptions?.hostProcess;
  let containers = 0;
  let hostProcesses = 0;
  eachContainer(spec, path, ({ securityContext }, at) => {
    containers++;
    const own = securityContext?.windowsOptions?.hostProcess;
    if (ofPod !== undefined && own !== undefined && ofPod !== own) {
      const detail = `pod hostProcess value must be identical if both are specified, was ${ofPod}`;
      errors.push(fieldError.invalid(at().child("securityContext", "windowsOptions", "hostProcess"), own, detail));
    }
    if (own ?? ofPod) hostProcesses++;
  });
  if (hostProcesses === 0) return;
  if (hostProcesses !== containers) {
    errors.push(fieldError.invalid(path, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers"));
  }
  if (!spec.hostNetwork) {
    errors.push(fieldError.invalid(path.child("hostNetwork"), false, "hostNetwork must be true if pod contains any hostProcess containers"));
  }
}

/** What a pod may not set for the system that it names. */
export function validateOS(errors: Errors, spec: core.PodSpec, os: core.PodOS, path: FieldPath): void {
  if (!os.name) errors.push(fieldError.required(path.child("os", "name")));
  else if (os.name === "linux") validateLinux(errors, spec, path);
  else if (os.name === "windows") validateWindows(errors, spec, path);
  else errors.push(fieldError.notSupported(path.child("os"), os.name, ["linux", "windows"]));
}

function validateLinux(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const refuse = (at: FieldPath) => errors.push(fieldError.forbidden(at.child("windowsOptions"), "windows options cannot be set for a linux pod"));
  if (spec.securityContext?.windowsOptions) refuse(path.child("securityContext"));
  eachContainer(spec, path, ({ securityContext }, at) => {
    if (securityContext?.windowsOptions) refuse(at().child("securityContext"));
  });
}

const NOT_ON_WINDOWS = [
  "securityContext.appArmorProfile",
  "securityContext.seLinuxOptions",
  "hostUsers",
  "hostPID",
  "hostIPC",
  "securityContext.seccompProfile",
  "securityContext.fsGroup",
  "securityContext.fsGroupChangePolicy",
  "securityContext.sysctls",
  "shareProcessNamespace",
  "securityContext.runAsUser",
  "securityContext.runAsGroup",
  "securityContext.supplementalGroups",
  "securityContext.supplementalGroupsPolicy",
  "securityContext.seLinuxChangePolicy",
];
const CONTAINER_NOT_ON_WINDOWS = [
  "appArmorProfile",
  "seLinuxOptions",
  "seccompProfile",
  "capabilities",
  "readOnlyRootFilesystem",
  "privileged",
  "allowPrivilegeEscalation",
  "procMount",
  "runAsUser",
  "runAsGroup",
] as const;

function validateWindows(errors: Errors, spec: core.PodSpec, path: FieldPath): void {
  const refuse = (at: FieldPath) => errors.push(fieldError.forbidden(at, "cannot be set for a windows pod"));
  for (const field of NOT_ON_WINDOWS) {
    const [first = "", second] = field.split(".");
    const outer = (spec as unknown as Record<string, unknown>)[first];
    const value = second === undefined ? outer : (outer as Record<string, unknown> | undefined)?.[second];
    const isFlagUnset = (field === "hostPID" || field === "hostIPC") && value === false;
    const isEmptyList = field === "securityContext.sysctls" && Array.isArray(value) && value.length === 0;
    if (value !== undefined && !isFlagUnset && !isEmptyList) refuse(path.child(field));
  }
  eachContainer(spec, path, ({ securityContext }, at) => {
    if (!securityContext) return;
    for (const field of CONTAINER_NOT_ON_WINDOWS) if (securityContext[field] !== undefined) refuse(at().child("securityContext", field));
  });
}
