import type * as core from "#api/core-v1/types.ts";
import { fieldError, type FieldPath } from "#apimachinery/field-error.ts";
import { isDns1123Subdomain } from "#apimachinery/validation/names.ts";

import {
  checkAllowed,
  checkDescendingPath,
  checkDnsLabel,
  checkFileMode,
  checkNoBacksteps,
  checkRequired,
  checkVolumeFilePath,
  type Errors,
  pushInvalid,
  rangeMessage,
  sortedEntries,
} from "./checks.ts";
import type { PodSpecOptions } from "./options.ts";
import { validateClaimTemplate } from "./validate-claim.ts";
import { VOLUME_FIELDS, validateFieldRef, validateResourceRef } from "./validate-env.ts";
import { checkPullPolicy } from "./validate-pull-policy.ts";

type SourceName = Exclude<keyof core.VolumeSource, "emptyDir">;
type Validator<K extends SourceName> = (errors: Errors, source: NonNullable<core.VolumeSource[K]>, path: FieldPath, options: PodSpecOptions) => void;
type AnyValidator = (errors: Errors, source: unknown, path: FieldPath, options: PodSpecOptions) => void;

/** Requires text in each of the fields. */
function requires<K extends SourceName>(...fields: (keyof NonNullable<core.VolumeSource[K]> & string)[]): Validator<K> {
  return (errors, source, path) => {
    for (const field of fields) checkRequired(errors, (source as Record<string, string>)[field], path, field);
  };
}

const PARTITION_MAX = 255;

function checkPartition(errors: Errors, partition: number | undefined, path: FieldPath): void {
  if (partition !== undefined && (partition < 0 || partition > PARTITION_MAX)) {
    errors.push(fieldError.invalid(path.child("partition"), partition, rangeMessage(1, PARTITION_MAX)));
  }
}

function checkLun(errors: Errors, lun: number, path: FieldPath): void {
  if (lun < 0 || lun > 255) errors.push(fieldError.invalid(path.child("lun"), lun, rangeMessage(0, 255)));
}

function checkSecretRef(errors: Errors, ref: core.LocalObjectReference | undefined, path: FieldPath): void {
  if (ref && !ref.name) errors.push(fieldError.required(path.child("secretRef", "name")));
}

/** A key of a ConfigMap or Secret, and the file it becomes. */
export function validateKeyToPath(errors: Errors, item: core.KeyToPath, path: FieldPath): void {
  checkRequired(errors, item.key, path, "key");
  checkRequired(errors, item.path, path, "path");
  checkVolumeFilePath(errors, item.path ?? "", path.child("path"));
  checkFileMode(errors, item.mode, path, "mode");
}

/** A file with something about the pod in it. */
export function validateDownwardFile(errors: Errors, file: core.DownwardAPIVolumeFile, path: FieldPath): void {
  checkRequired(errors, file.path, path, "path");
  checkVolumeFilePath(errors, file.path ?? "", path.child("path"));
  if (file.fieldRef) {
    validateFieldRef(errors, file.fieldRef, VOLUME_FIELDS, path.child("fieldRef"));
    if (file.resourceFieldRef) {
      errors.push(fieldError.invalid(path, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously"));
    }
  } else if (file.resourceFieldRef) validateResourceRef(errors, file.resourceFieldRef, path.child("resourceFieldRef"), true);
  else errors.push(fieldError.required(path, "one of fieldRef and resourceFieldRef is required"));
  checkFileMode(errors, file.mode, path, "mode");
}

const HOST_PATH_TYPES = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];

const hostPath: Validator<"hostPath"> = (errors, source, path) => {
  if (!source.path) return void errors.push(fieldError.required(path.child("path")));
  checkNoBacksteps(errors, source.path, path.child("path"));
  if (source.type !== undefined) checkAllowed(errors, source.type, HOST_PATH_TYPES, path.child("type"));
};

const gitRepo: Validator<"gitRepo"> = (errors, source, path) => {
  checkRequired(errors, source.repository, path, "repository");
  checkDescendingPath(errors, source.directory ?? "", path.child("directory"));
};

const gcePersistentDisk: Validator<"gcePersistentDisk"> = (errors, source, path) => {
  checkRequired(errors, source.pdName, path, "pdName");
  checkPartition(errors, source.partition, path);
};

const awsElasticBlockStore: Validator<"awsElasticBlockStore"> = (errors, source, path) => {
  checkRequired(errors, source.volumeID, path, "volumeID");
  checkPartition(errors, source.partition, path);
};

const secret: Validator<"secret"> = (errors, source, path) => {
  checkRequired(errors, source.secretName, path, "secretName");
  checkFileMode(errors, source.defaultMode, path, "defaultMode");
  for (const [i, item] of (source.items ?? []).entries()) validateKeyToPath(errors, item, path.child("items").index(i));
};

const configMap: Validator<"configMap"> = (errors, source, path) => {
  checkRequired(errors, source.name, path, "name");
  checkFileMode(errors, source.defaultMode, path, "defaultMode");
  for (const [i, item] of (source.items ?? []).entries()) validateKeyToPath(errors, item, path.child("items").index(i));
};

const nfs: Validator<"nfs"> = (errors, source, path) => {
  checkRequired(errors, source.server, path, "server");
  checkRequired(errors, source.path, path, "path");
  if (!source.path?.startsWith("/")) errors.push(fieldError.invalid(path.child("path"), source.path ?? "", "must be an absolute path"));
};

const IQN = /iqn\.\d{4}-\d{2}\.([a-zA-Z0-9.-]+)(:[^,;*&$|\s]+)$/;
const EUI = /^eui.[a-zA-Z0-9]{16}$/;
const NAA = /^naa.[a-zA-Z0-9]{32}$/;

const iscsi: Validator<"iscsi"> = (errors, source, path) => {
  checkRequired(errors, source.targetPortal, path, "targetPortal");
  if (!source.iqn) errors.push(fieldError.required(path.child("iqn")));
  else checkIscsiName(errors, source.iqn, path.child("iqn"));
  checkLun(errors, source.lun ?? 0, path);
  if ((source.chapAuthDiscovery || source.chapAuthSession) && !source.secretRef) errors.push(fieldError.required(path.child("secretRef")));
  if (source.initiatorName !== undefined) checkIscsiName(errors, source.initiatorName, path.child("initiatorname"));
};

function checkIscsiName(errors: Errors, name: string, path: FieldPath): void {
  const form = name.startsWith("iqn") ? IQN : name.startsWith("eui") ? EUI : name.startsWith("naa") ? NAA : undefined;
  if (form === undefined) errors.push(fieldError.invalid(path, name, "must be valid format starting with iqn, eui, or naa"));
  else if (!form.test(name)) errors.push(fieldError.invalid(path, name, "must be valid format"));
}

const flocker: Validator<"flocker"> = (errors, { datasetName = "", datasetUUID = "" }, path) => {
  if (!datasetName && !datasetUUID) errors.push(fieldError.required(path, "one of datasetName and datasetUUID is required"));
  if (datasetName && datasetUUID) errors.push(fieldError.invalid(path, "resource", "datasetName and datasetUUID can not be specified simultaneously"));
  if (datasetName.includes("/")) errors.push(fieldError.invalid(path.child("datasetName"), datasetName, "must not contain '/'"));
};

const rbd: Validator<"rbd"> = (errors, source, path) => {
  if (!source.monitors?.length) errors.push(fieldError.required(path.child("monitors")));
  checkRequired(errors, source.image, path, "image");
};

const cinder: Validator<"cinder"> = (errors, source, path) => {
  checkRequired(errors, source.volumeID, path, "volumeID");
  checkSecretRef(errors, source.secretRef, path);
};

const cephfs: Validator<"cephfs"> = (errors, source, path) => {
  if (!source.monitors?.length) errors.push(fieldError.required(path.child("monitors")));
};

const HOST_PORTS = "must be a host:port pair or multiple pairs separated by commas";
const HOST_PORT = /^(?:[^:[\]]*|\[[^[\]]*\]):[^:[\]]*$/;

const quobyte: Validator<"quobyte"> = (errors, { registry, tenant = "", volume }, path) => {
  if (!registry) errors.push(fieldError.required(path.child("registry"), HOST_PORTS));
  else if (tenant.length >= 65) errors.push(fieldError.required(path.child("tenant"), "must be a UUID and may not exceed a length of 64 characters"));
  else {
    for (const pair of registry.split(",")) if (!HOST_PORT.test(pair)) errors.push(fieldError.invalid(path.child("registry"), registry, HOST_PORTS));
  }
  checkRequired(errors, volume, path, "volume");
};

const downwardAPI: Validator<"downwardAPI"> = (errors, source, path) => {
  checkFileMode(errors, source.defaultMode, path, "defaultMode");
  for (const file of source.items ?? []) validateDownwardFile(errors, file, path);
};

const fc: Validator<"fc"> = (errors, { targetWWNs = [], wwids = [], lun }, path) => {
  if (targetWWNs.length === 0 && wwids.length === 0) {
    errors.push(fieldError.required(path.child("targetWWNs"), "must specify either targetWWNs or wwids, but not both"));
  }
  if (targetWWNs.length === 0) return;
  if (wwids.length > 0) {
    errors.push(fieldError.invalid(path.child("targetWWNs"), targetWWNs, "targetWWNs and wwids can not be specified simultaneously"));
  }
  if (lun === undefined) errors.push(fieldError.required(path.child("lun"), "lun is required if targetWWNs is specified"));
  else checkLun(errors, lun, path);
};

const flexVolume: Validator<"flexVolume"> = (errors, source, path) => {
  checkRequired(errors, source.driver, path, "driver");
  for (const [key] of sortedEntries(source.options)) {
    const domain = `.${key.split("/", 1)[0]!.toLowerCase()}`;
    if (domain.endsWith(".kubernetes.io") || domain.endsWith(".k8s.io")) {
      errors.push(fieldError.invalid(path.child("options").key(key), key, "kubernetes.io and k8s.io namespaces are reserved"));
    }
  }
};

const MANAGED_URI = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
const BLOB_URI = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";

const azureDisk: Validator<"azureDisk"> = (errors, source, path) => {
  const { cachingMode, kind, diskURI = "" } = source;
  checkRequired(errors, source.diskName, path, "diskName");
  checkRequired(errors, diskURI, path, "diskURI");
  if (cachingMode !== undefined) checkAllowed(errors, cachingMode, ["None", "ReadOnly", "ReadWrite"], path.child("cachingMode"));
  if (kind === undefined) return;
  checkAllowed(errors, kind, ["Dedicated", "Managed", "Shared"], path.child("kind"));
  if (kind === "Managed") {
    if (!diskURI.startsWith("/subscriptions/")) errors.push(fieldError.notSupported(path.child("diskURI"), diskURI, [MANAGED_URI]));
  } else if (!diskURI.startsWith("https://")) errors.push(fieldError.notSupported(path.child("diskURI"), diskURI, [BLOB_URI]));
};

const storageos: Validator<"storageos"> = (errors, source, path) => {
  if (!source.volumeName) errors.push(fieldError.required(path.child("volumeName")));
  else checkDnsLabel(errors, source.volumeName, path.child("volumeName"));
  if (source.volumeNamespace) checkDnsLabel(errors, source.volumeNamespace, path.child("volumeNamespace"));
  checkSecretRef(errors, source.secretRef, path);
};

const CSI_DRIVER_MAX = 63;

const csi: Validator<"csi"> = (errors, { driver, nodePublishSecretRef: ref }, path) => {
  const at = path.child("driver");
  if (!driver) errors.push(fieldError.required(at));
  else {
    if (driver.length > CSI_DRIVER_MAX) errors.push(fieldError.tooLong(at, CSI_DRIVER_MAX));
    pushInvalid(errors, at, driver, isDns1123Subdomain(driver.toLowerCase()));
  }
  if (!ref) return;
  if (!ref.name) errors.push(fieldError.required(path.child("nodePublishSecretRef", "name")));
  else pushInvalid(errors, path.child("name"), ref.name, isDns1123Subdomain(ref.name));
};

const ephemeral: Validator<"ephemeral"> = (errors, { volumeClaimTemplate }, path) => {
  const at = path.child("volumeClaimTemplate");
  if (!volumeClaimTemplate) errors.push(fieldError.required(at));
  else validateClaimTemplate(errors, volumeClaimTemplate, at);
};

const image: Validator<"image"> = (errors, source, path, { isPod }) => {
  if (isPod && !source.reference) errors.push(fieldError.required(path.child("reference")));
  checkPullPolicy(errors, source.pullPolicy, path.child("pullPolicy"));
};

const VALIDATORS: { readonly [K in SourceName]?: Validator<K> } = {
  hostPath,
  gitRepo,
  gcePersistentDisk,
  awsElasticBlockStore,
  secret,
  nfs,
  iscsi,
  glusterfs: requires<"glusterfs">("endpoints", "path"),
  flocker,
  persistentVolumeClaim: requires<"persistentVolumeClaim">("claimName"),
  rbd,
  cinder,
  cephfs,
  quobyte,
  downwardAPI,
  fc,
  flexVolume,
  configMap,
  azureFile: requires<"azureFile">("secretName", "shareName"),
  vsphereVolume: requires<"vsphereVolume">("volumePath"),
  photonPersistentDisk: requires<"photonPersistentDisk">("pdID"),
  portworxVolume: requires<"portworxVolume">("volumeID"),
  azureDisk,
  storageos,
  projected: () => {},
  scaleIO: requires<"scaleIO">("gateway", "system", "volumeName"),
  csi,
  ephemeral,
  image,
};

/** In the order in which upstream looks at them, which decides which of two sources is the one too many. */
export const SOURCE_VALIDATORS = Object.entries(VALIDATORS) as [SourceName, AnyValidator][];
