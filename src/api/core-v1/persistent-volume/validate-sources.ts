import type { PersistentVolumeSpec, SecretReference } from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Label, isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import { checkDnsLabel, checkDnsSubdomain, checkNoBacksteps, checkRequired, type Errors, pushInvalid } from "../pod-spec/checks.ts";
import { SOURCE_VALIDATORS } from "../pod-spec/volume-sources.ts";

type Check = (errors: Errors, source: never, path: FieldPath, volumeName: string) => void;

/** Of a volume in a pod, and of one for itself, the same. */
function asInPods(name: string): Check {
  const [, validate] = SOURCE_VALIDATORS.find(([source]) => source === name)!;
  return (errors, source, path) => (validate as (errors: Errors, source: never, path: FieldPath, options: object) => void)(errors, source, path, {});
}

type Source<K extends keyof PersistentVolumeSpec> = NonNullable<PersistentVolumeSpec[K]>;

const CSI_DRIVER_MAX = 63;
const ISCSI_MAX = 64;

function checkDriverName(errors: Errors, driver: string, path: FieldPath): void {
  if (driver === "") return void errors.push(fieldError.required(path));
  if (driver.length > CSI_DRIVER_MAX) errors.push(fieldError.tooLong(path, CSI_DRIVER_MAX));
  pushInvalid(errors, path, driver, isDns1123Subdomain(driver.toLowerCase()));
}

function checkSecret(errors: Errors, { name = "", namespace = "" }: SecretReference, path: FieldPath): void {
  if (name === "") errors.push(fieldError.required(path.child("name")));
  else checkDnsSubdomain(errors, name, path.child("name"));
  if (namespace === "") errors.push(fieldError.required(path.child("namespace")));
  else checkDnsLabel(errors, namespace, path.child("namespace"));
}

function requireSecret(errors: Errors, ref: SecretReference | undefined, path: FieldPath): void {
  if (!ref) return;
  checkRequired(errors, ref.name, path.child("secretRef"), "name");
  checkRequired(errors, ref.namespace, path.child("secretRef"), "namespace");
}

const CSI_SECRETS = ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] as const;

const csi = (errors: Errors, source: Source<"csi">, path: FieldPath) => {
  checkDriverName(errors, source.driver ?? "", path.child("driver"));
  checkRequired(errors, source.volumeHandle, path, "volumeHandle");
  for (const field of CSI_SECRETS) if (source[field]) checkSecret(errors, source[field], path.child(field));
};

const glusterfs = (errors: Errors, { endpoints, path: target, endpointsNamespace }: Source<"glusterfs">, path: FieldPath) => {
  checkRequired(errors, endpoints, path, "endpoints");
  checkRequired(errors, target, path, "path");
  const at = path.child("endpointsNamespace");
  if (endpointsNamespace === "") errors.push(fieldError.invalid(at, "", "if the endpointnamespace is set, it must be a valid namespace name"));
  else if (endpointsNamespace !== undefined) pushInvalid(errors, at, endpointsNamespace, isDns1123Label(endpointsNamespace));
};

const IQN = /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]+)(:[^,;*&$|\s]+)$/;
const EUI = /^eui.[a-zA-Z0-9]{16}$/;
const NAA = /^naa.[a-zA-Z0-9]{32}$/;
const hasIscsiForm = (name: string) => (name.startsWith("iqn") ? IQN : name.startsWith("eui") ? EUI : NAA).test(name);

const iscsi = (errors: Errors, source: Source<"iscsi">, path: FieldPath, volumeName: string) => {
  const { targetPortal = "", iqn = "", lun = 0, initiatorName, secretRef } = source;
  checkRequired(errors, targetPortal, path, "targetPortal");
  if (initiatorName !== undefined && `${volumeName}:${targetPortal}`.length > ISCSI_MAX) {
    const why = `Total length of <volume name>:<iscsi.targetPortal> must be under ${ISCSI_MAX} characters if iscsi.initiatorName is specified.`;
    errors.push(fieldError.invalid(path.child("targetportal"), targetPortal, why));
  }
  if (iqn === "") errors.push(fieldError.required(path.child("iqn")));
  else if (!hasIscsiForm(iqn)) errors.push(fieldError.invalid(path.child("iqn"), iqn, "must be valid format"));
  if (lun < 0 || lun > 255) errors.push(fieldError.invalid(path.child("lun"), lun, "must be between 0 and 255, inclusive"));
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !secretRef) errors.push(fieldError.required(path.child("secretRef")));
  if (secretRef) checkRequired(errors, secretRef.name, path.child("secretRef"), "name");
  if (initiatorName !== undefined && !hasIscsiForm(initiatorName)) {
    errors.push(fieldError.invalid(path.child("initiatorname"), initiatorName, "must be valid format"));
  }
};

const cinder = (errors: Errors, { volumeID, secretRef }: Source<"cinder">, path: FieldPath) => {
  checkRequired(errors, volumeID, path, "volumeID");
  requireSecret(errors, secretRef, path);
};

const azureFile = (errors: Errors, { secretName, shareName, secretNamespace }: Source<"azureFile">, path: FieldPath) => {
  checkRequired(errors, secretName, path, "secretName");
  checkRequired(errors, shareName, path, "shareName");
  if (secretNamespace === "") errors.push(fieldError.required(path.child("secretNamespace")));
};

const storageos = (errors: Errors, { volumeName, volumeNamespace, secretRef }: Source<"storageos">, path: FieldPath) => {
  if (!volumeName) errors.push(fieldError.required(path.child("volumeName")));
  else checkDnsLabel(errors, volumeName, path.child("volumeName"));
  if (volumeNamespace) checkDnsLabel(errors, volumeNamespace, path.child("volumeNamespace"));
  requireSecret(errors, secretRef, path);
};

const local = (errors: Errors, { path: target }: Source<"local">, path: FieldPath) => {
  if (target) checkNoBacksteps(errors, target, path.child("path"));
  else errors.push(fieldError.required(path.child("path")));
};

interface Entry {
  readonly name: keyof PersistentVolumeSpec;
  readonly check: Check;
  /** What upstream calls it in paths, where that is not its name. */
  readonly told?: string;
  /** What upstream calls it where it is one too many. */
  readonly surplus?: string;
}

/** In the order in which upstream looks at them, which decides which of two sources is the one too many. */
const ENTRIES: readonly Entry[] = [
  { name: "hostPath", check: asInPods("hostPath") },
  { name: "gcePersistentDisk", check: asInPods("gcePersistentDisk"), told: "persistentDisk", surplus: "gcePersistentDisk" },
  { name: "awsElasticBlockStore", check: asInPods("awsElasticBlockStore") },
  { name: "glusterfs", check: glusterfs as Check },
  { name: "flocker", check: asInPods("flocker") },
  { name: "nfs", check: asInPods("nfs") },
  { name: "rbd", check: asInPods("rbd") },
  { name: "quobyte", check: asInPods("quobyte") },
  { name: "cephfs", check: asInPods("cephfs"), surplus: "cephFS" },
  { name: "iscsi", check: iscsi as Check },
  { name: "cinder", check: cinder as Check },
  { name: "fc", check: asInPods("fc") },
  { name: "flexVolume", check: asInPods("flexVolume") },
  { name: "azureFile", check: azureFile as Check },
  { name: "vsphereVolume", check: asInPods("vsphereVolume") },
  { name: "photonPersistentDisk", check: asInPods("photonPersistentDisk") },
  { name: "portworxVolume", check: asInPods("portworxVolume") },
  { name: "azureDisk", check: asInPods("azureDisk") },
  { name: "scaleIO", check: asInPods("scaleIO") },
  { name: "local", check: local as Check },
  { name: "storageos", check: storageos as Check },
  { name: "csi", check: csi as Check },
];

export const SOURCES = ENTRIES.map(({ name }) => name);

/** A volume is of one source. */
export function validateSources(errors: Errors, spec: PersistentVolumeSpec, volumeName: string, path: FieldPath): void {
  let sources = 0;
  for (const { name, check, told = name, surplus = told } of ENTRIES) {
    const source = spec[name];
    if (source === undefined) continue;
    sources++;
    if (sources > 1 && name !== "flexVolume") {
      errors.push(fieldError.forbidden(path.child(surplus), "may not specify more than 1 volume type"));
      continue;
    }
    check(errors, source as never, path.child(told), volumeName);
    if (name === "local" && !spec.nodeAffinity) errors.push(fieldError.required(path.child("nodeAffinity"), "Local volume requires node affinity"));
  }
  if (sources === 0) errors.push(fieldError.required(path, "must specify a volume type"));
}
