import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";

import { checkAllowed, checkDescendingPath, type Errors, hasBackstep } from "./checks.ts";

/** The pod's volumes that are valid, by name. */
export type Volumes = ReadonlyMap<string, core.Volume>;

const UNIQUE = "must be unique";

export function validateVolumeMounts(errors: Errors, container: core.Container, volumes: Volumes, path: FieldPath): void {
  const devices = container.volumeDevices ?? [];
  const seen = new Set<string>();
  for (const [i, mount] of (container.volumeMounts ?? []).entries()) {
    const at = path.index(i);
    const name = mount.name ?? "";
    const mountPath = mount.mountPath ?? "";
    if (name === "") errors.push(fieldError.required(at.child("name")));
    if (!volumes.has(name)) errors.push(fieldError.notFound(at.child("name"), name));
    if (mountPath === "") errors.push(fieldError.required(at.child("mountPath")));
    if (seen.has(mountPath)) errors.push(fieldError.invalid(at.child("mountPath"), mountPath, UNIQUE));
    seen.add(mountPath);
    if (devices.some((device) => device.name === name)) {
      errors.push(fieldError.invalid(at.child("name"), name, "must not already exist in volumeDevices"));
    }
    if (devices.some((device) => device.devicePath === mountPath)) {
      errors.push(fieldError.invalid(at.child("mountPath"), mountPath, "must not already exist as a path in volumeDevices"));
    }
    validateMountOptions(errors, mount, container, path, at);
  }
}

/** Some of these are reported at the list, without an index, as upstream does. */
function validateMountOptions(errors: Errors, mount: core.VolumeMount, container: core.Container, path: FieldPath, at: FieldPath): void {
  if (mount.subPath) checkDescendingPath(errors, mount.subPath, path.child("subPath"));
  if (mount.subPathExpr) {
    if (mount.subPath) errors.push(fieldError.invalid(at.child("subPathExpr"), mount.subPathExpr, "subPathExpr and subPath are mutually exclusive"));
    checkDescendingPath(errors, mount.subPathExpr, path.child("subPathExpr"));
  }
  if (mount.mountPropagation !== undefined) {
    checkAllowed(errors, mount.mountPropagation, ["Bidirectional", "HostToContainer", "None"], path.child("mountPropagation"));
    if (mount.mountPropagation === "Bidirectional" && container.securityContext?.privileged !== true) {
      errors.push(fieldError.forbidden(path.child("mountPropagation"), "Bidirectional mount propagation is available only to privileged containers"));
    }
  }
  if (mount.recursiveReadOnly !== undefined) validateRecursiveReadOnly(errors, mount, mount.recursiveReadOnly, path.child("recursiveReadOnly"));
}

function validateRecursiveReadOnly(errors: Errors, mount: core.VolumeMount, value: string, path: FieldPath): void {
  if (value === "Disabled") return;
  if (value !== "Enabled" && value !== "IfPossible") return void errors.push(fieldError.notSupported(path, value, ["Disabled", "Enabled", "IfPossible"]));
  if (!mount.readOnly) errors.push(fieldError.forbidden(path, "may only be specified when readOnly is true"));
  if (mount.mountPropagation !== undefined && mount.mountPropagation !== "None") {
    errors.push(fieldError.forbidden(path, "may only be specified when mountPropagation is None or not specified"));
  }
}

export function validateVolumeDevices(errors: Errors, container: core.Container, volumes: Volumes, path: FieldPath): void {
  const mounts = container.volumeMounts ?? [];
  const names = new Set<string>();
  const paths = new Set<string>();
  for (const [i, device] of (container.volumeDevices ?? []).entries()) {
    const name = device.name ?? "";
    const devicePath = device.devicePath ?? "";
    const namePath = path.index(i).child("name");
    const pathPath = path.index(i).child("devicePath");
    const volume = volumes.get(name);
    if (name === "") errors.push(fieldError.required(namePath));
    if (names.has(name)) errors.push(fieldError.invalid(namePath, name, UNIQUE));
    if (volume && !volume.persistentVolumeClaim && !volume.ephemeral) {
      errors.push(fieldError.invalid(namePath, name, "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode"));
    }
    if (!volume) errors.push(fieldError.notFound(namePath, name));
    if (devicePath === "") errors.push(fieldError.required(pathPath));
    if (paths.has(devicePath)) errors.push(fieldError.invalid(pathPath, devicePath, UNIQUE));
    if (hasBackstep(devicePath)) errors.push(fieldError.invalid(pathPath, devicePath, "can not contain backsteps ('..')"));
    else paths.add(devicePath);
    if (mounts.some((mount) => mount.name === name)) {
      errors.push(fieldError.invalid(namePath, name, "must not already exist in volumeMounts"));
    }
    if (mounts.some((mount) => mount.mountPath === devicePath)) {
      errors.push(fieldError.invalid(pathPath, devicePath, "must not already exist as a path in volumeMounts"));
    }
    if (name !== "") names.add(name);
  }
}
