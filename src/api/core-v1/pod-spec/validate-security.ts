import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { checkAllowed, checkDescendingPath, type Errors, pushInvalid, rangeMessage } from "./checks.ts";
import { goValue } from "./go-values.ts";
import type { PodSpecOptions } from "./options.ts";

const MAX_ID = 2 ** 31 - 1;

function checkId(errors: Errors, id: number | undefined, path: FieldPath, name: string): void {
  if (id !== undefined && (id < 0 || id > MAX_ID)) errors.push(fieldError.invalid(path.child(name), id, rangeMessage(0, MAX_ID)));
}

/** A container's own context. `hostUsers` tells whether the pod runs in the host's user namespace. */
export function validateSecurityContext(errors: Errors, context: core.SecurityContext, hostUsers: boolean, path: FieldPath): void {
  checkId(errors, context.runAsUser, path, "runAsUser");
  checkId(errors, context.runAsGroup, path, "runAsGroup");
  if (context.procMount !== undefined) {
    checkAllowed(errors, context.procMount, ["Default", "Unmasked"], path.child("procMount"));
    if (hostUsers && context.procMount === "Unmasked") {
      errors.push(fieldError.invalid(path.child("procMount"), context.procMount, "`hostUsers` must be false to use `Unmasked`"));
    }
  }
  validateSeccompProfile(errors, context.seccompProfile, path);
  if (context.allowPrivilegeEscalation === false) checkNoEscalation(errors, context, path);
  validateWindowsOptions(errors, context.windowsOptions, path);
  if (context.appArmorProfile) validateAppArmorProfile(errors, context.appArmorProfile, path.child("appArmorProfile"));
}

function checkNoEscalation(errors: Errors, context: core.SecurityContext, path: FieldPath): void {
  if (context.privileged === true) {
    errors.push(fieldError.invalid(path, goValue("SecurityContext", context), "cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
  }
  for (const capability of context.capabilities?.add ?? []) {
    if (capability !== "CAP_SYS_ADMIN") continue;
    const detail = "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN";
    errors.push(fieldError.invalid(path, goValue("SecurityContext", context), detail));
  }
}

/** The pod's context; fields of the spec that concern the host belong to it. */
export function validatePodSecurityContext(errors: Errors, spec: core.PodSpec, options: PodSpecOptions, path: FieldPath): void {
  const context = spec.securityContext;
  if (!context) return;
  checkId(errors, context.fsGroup, path, "fsGroup");
  checkId(errors, context.runAsUser, path, "runAsUser");
  checkId(errors, context.runAsGroup, path, "runAsGroup");
  for (const [i, group] of (context.supplementalGroups ?? []).entries()) {
    if (group < 0 || group > MAX_ID) errors.push(fieldError.invalid(path.child("supplementalGroups").index(i), group, rangeMessage(0, MAX_ID)));
  }
  if (spec.shareProcessNamespace === true && spec.hostPID) {
    errors.push(fieldError.invalid(path.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled"));
  }
  if (context.sysctls) validateSysctls(errors, spec, context.sysctls, options, path.child("sysctls"));
  if (context.fsGroupChangePolicy !== undefined) {
    checkAllowed(errors, context.fsGroupChangePolicy, ["Always", "OnRootMismatch"], path.child("fsGroupChangePolicy"));
  }
  validateSeccompProfile(errors, context.seccompProfile, path);
  validateWindowsOptions(errors, context.windowsOptions, path);
  if (context.appArmorProfile) validateAppArmorProfile(errors, context.appArmorProfile, path.child("appArmorProfile"));
  if (context.supplementalGroupsPolicy !== undefined) {
    checkAllowed(errors, context.supplementalGroupsPolicy, ["Merge", "Strict"], path.child("supplementalGroupsPolicy"));
  }
  if (context.seLinuxChangePolicy !== undefined) {
    const allowed = options.allowOnlyRecursiveSELinuxChange ? ["Recursive"] : ["MountOption", "Recursive"];
    checkAllowed(errors, context.seLinuxChangePolicy, allowed, path.child("seLinuxChangePolicy"));
  }
}

const SYSCTL_SEGMENT = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
const SYSCTL_TEXT = `^(${SYSCTL_SEGMENT}[\\./])*${SYSCTL_SEGMENT}$`;
const SYSCTL = new RegExp(SYSCTL_TEXT);
const SYSCTL_MAX = 253;

function validateSysctls(errors: Errors, spec: core.PodSpec, sysctls: readonly core.Sysctl[], options: PodSpecOptions, path: FieldPath): void {
  const seen = new Set<string>();
  for (const [i, { name = "" }] of sysctls.entries()) {
    const at = path.index(i).child("name");
    if (name === "") errors.push(fieldError.required(at));
    else if (name.length > SYSCTL_MAX || !SYSCTL.test(name)) {
      errors.push(fieldError.invalid(at, name, `must have at most ${SYSCTL_MAX} characters and match regex ${SYSCTL_TEXT}`));
    } else if (seen.has(name)) errors.push(fieldError.duplicate(at, name));
    if (!options.allowHostSysctls) {
      const why = hostSysctl(spec, name);
      if (why !== undefined) errors.push(fieldError.invalid(at, name, why));
    }
    seen.add(name);
  }
}

const IPC_SYSCTLS = new Set(["kernel.sem"]);
const IPC_PREFIXES = ["kernel.shm", "kernel.msg", "fs.mqueue."];

/** Why a pod that shares the host's namespace may not set this, `undefined` when it may. */
export function hostSysctl(spec: core.PodSpec, name: string): string | undefined {
  const dotted = normalSysctl(name);
  if (spec.hostNetwork && dotted.startsWith("net.")) return "may not be specified when 'hostNetwork' is true";
  const isIpc = IPC_SYSCTLS.has(dotted) || IPC_PREFIXES.some((prefix) => dotted.startsWith(prefix));
  return spec.hostIPC && isIpc ? "may not be specified when 'hostIPC' is true" : undefined;
}

/** With dots between the parts, when it was written with slashes. */
function normalSysctl(name: string): string {
  const first = name.search(/[./]/);
  if (first < 0 || name[first] === ".") return name;
  return name.replaceAll(/[./]/g, (mark) => (mark === "." ? "/" : "."));
}

function validateSeccompProfile(errors: Errors, profile: core.SeccompProfile | undefined, parent: FieldPath): void {
  if (!profile) return;
  const path = parent.child("seccompProfile");
  if (!profile.type) errors.push(fieldError.required(path.child("type"), "type is required when seccompProfile is set"));
  else checkAllowed(errors, profile.type, ["Localhost", "RuntimeDefault", "Unconfined"], path.child("type"));
  const { localhostProfile } = profile;
  if (profile.type === "Localhost") {
    if (localhostProfile === undefined) errors.push(fieldError.required(path.child("localhostProfile"), "must be set when seccomp type is Localhost"));
    else checkDescendingPath(errors, localhostProfile, path.child("localhostProfile"));
  } else if (localhostProfile !== undefined) {
    errors.push(fieldError.invalid(path.child("localhostProfile"), goValue("SeccompProfile", profile), "can only be set when seccomp type is Localhost"));
  }
}

const MAX_PATH_LENGTH = 4095;

function validateAppArmorProfile(errors: Errors, profile: core.AppArmorProfile, path: FieldPath): void {
  const { type, localhostProfile } = profile;
  const at = path.child("localhostProfile");
  if (!type) return void errors.push(fieldError.required(path.child("type"), "type is required when appArmorProfile is set"));
  if (type === "Localhost") {
    if (localhostProfile === undefined) return void errors.push(fieldError.required(at, "must be set when AppArmor type is Localhost"));
    const trimmed = localhostProfile.trim();
    if (trimmed !== localhostProfile) errors.push(fieldError.invalid(at, localhostProfile, "must not be padded with whitespace"));
    else if (trimmed === "") errors.push(fieldError.required(at, "must be set when AppArmor type is Localhost"));
    if (localhostProfile.length > MAX_PATH_LENGTH) errors.push(fieldError.tooLong(at, MAX_PATH_LENGTH));
  } else if (type === "RuntimeDefault" || type === "Unconfined") {
    if (localhostProfile !== undefined) errors.push(fieldError.invalid(at, localhostProfile, "can only be set when AppArmor type is Localhost"));
  } else {
    errors.push(fieldError.notSupported(path.child("type"), type, ["Localhost", "RuntimeDefault", "Unconfined"]));
  }
}

const GMSA_MAX_KIB = 64;

function validateWindowsOptions(errors: Errors, options: core.WindowsSecurityContextOptions | undefined, parent: FieldPath): void {
  if (!options) return;
  const path = parent.child("windowsOptions");
  const { gmsaCredentialSpecName: name, gmsaCredentialSpec: spec, runAsUserName: user } = options;
  if (name !== undefined) pushInvalid(errors, path.child("gmsaCredentialSpecName"), name, isDns1123Subdomain(name));
  if (spec === "") errors.push(fieldError.invalid(path.child("gmsaCredentialSpec"), spec, "gmsaCredentialSpec cannot be an empty string"));
  else if (spec !== undefined && spec.length > GMSA_MAX_KIB * 1024) {
    errors.push(fieldError.invalid(path.child("gmsaCredentialSpec"), spec, `gmsaCredentialSpec size must be under ${GMSA_MAX_KIB} KiB`));
  }
  if (user !== undefined) pushInvalid(errors, path.child("runAsUserName"), user, windowsUserProblems(user));
}

// oxlint-disable-next-line no-control-regex -- Windows refuses control characters in names
const CONTROL = /[\x00-\x1f\x7f]/;
const NETBIOS = /^[^\\/:*?"<>|.][^\\/:*?"<>|]{0,14}$/;
const DNS_PART = "[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?";
const DNS_DOMAIN = new RegExp(`^${DNS_PART}(?:\\.${DNS_PART})*$`);
const BAD_USER_CHARACTERS = /["/\\:;|=,+*?<>@[\]]/;
const MAX_DOMAIN = 256;
const MAX_USER = 104;

function windowsUserProblems(name: string): string[] {
  if (name === "") return ["runAsUserName cannot be an empty string"];
  if (CONTROL.test(name)) return ["runAsUserName cannot contain control characters"];
  const parts = name.split("\\");
  if (parts.length > 2) return ["runAsUserName cannot contain more than one backslash"];
  const domain = parts.length === 2 ? parts[0]! : undefined;
  const user = parts.at(-1)!;
  const problems: string[] = [];
  if (domain !== undefined && domain.length >= MAX_DOMAIN) problems.push(`runAsUserName's Domain length must be under ${MAX_DOMAIN} characters`);
  if (domain !== undefined && !NETBIOS.test(domain) && !DNS_DOMAIN.test(domain)) {
    problems.push("runAsUserName's Domain doesn't match the NetBios nor the DNS format");
  }
  if (user === "") problems.push("runAsUserName's User cannot be empty");
  else if (user.length > MAX_USER) problems.push(`runAsUserName's User length must not be longer than ${MAX_USER} characters`);
  if (/^[. ]+$/.test(user)) problems.push("runAsUserName's User cannot contain only periods or spaces");
  if (BAD_USER_CHARACTERS.test(user)) {
    problems.push("runAsUserName's User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
  }
  return problems;
}
