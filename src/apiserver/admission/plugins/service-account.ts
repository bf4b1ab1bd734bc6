import { SERVICE_ACCOUNTS } from "#api/builtin.ts";
import type { Container, Pod, ServiceAccount, Volume, VolumeMount } from "#api/core-v1/types.ts";
import type { Mutable } from "#api/strategy.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { badSegment, forbidden, isPodCreate, podOf, targets } from "#apiserver/admission/plugins/attributes.ts";
import { podSecretNames, unmountableSecret } from "#apiserver/admission/plugins/pod-secrets.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";
import { sleep, type Clock } from "#lib/clock.ts";
import { randomSuffix, type Rng } from "#lib/rng.ts";

const TOKEN_MOUNT_PATH = "/var/run/secrets/kubernetes.io/serviceaccount";
const TOKEN_VOLUME_PREFIX = "kube-api-access-";
/** An hour and a little: the kubelet's sign that the pod did not choose the life-time itself. */
const TOKEN_EXPIRATION_SECONDS = 3607;
const MIRROR_ANNOTATION = "kubernetes.io/config.mirror";
const ENFORCE_ANNOTATION = "kubernetes.io/enforce-mountable-secrets";
/** A new namespace's `default` account is made by a controller: a pod that comes right after waits for it. */
const DEFAULT_ACCOUNT_ATTEMPTS = 10;
const ATTEMPT_INTERVAL_MS = 100;

export interface ServiceAccountDeps {
  readonly reader: ObjectReader;
  readonly clock: Clock;
  readonly rng: Rng;
}

/** Every pod runs under a service account, whose token it finds in its containers. */
export function serviceAccountAdmission(deps: ServiceAccountDeps): AdmissionPlugin {
  return {
    name: "ServiceAccount",
    handles: (target) => isPodCreate(target) || (target.subresource === "ephemeralcontainers" && targets({ ...target, subresource: "" }, "", "pods", "UPDATE")),
    admit(attributes) {
      if (attributes.operation !== "CREATE") return;
      const pod = podOf(attributes);
      if (isMirror(pod)) return validateMirror(attributes, pod as unknown as Pod);
      pod.spec.serviceAccountName ||= "default";
      const account = deps.reader.lookup(SERVICE_ACCOUNTS, attributes.namespace, pod.spec.serviceAccountName);
      if (account !== undefined) return applyAccount(pod, account, deps.rng);
      return awaitAccount(attributes, deps).then((found) => applyAccount(pod, found, deps.rng));
    },
    validate: (attributes) => validate(attributes, deps.reader),
  };
}

async function awaitAccount(attributes: AdmissionAttributes, { reader, clock, rng }: ServiceAccountDeps): Promise<ServiceAccount> {
  const name = podOf(attributes).spec.serviceAccountName!;
  const intervalMs = ATTEMPT_INTERVAL_MS * (1 + rng());
  for (let attempt = 1; name === "default" && attempt < DEFAULT_ACCOUNT_ATTEMPTS; attempt++) {
    await sleep(clock, intervalMs);
    const account = reader.lookup(SERVICE_ACCOUNTS, attributes.namespace, name);
    if (account !== undefined) return account;
  }
  throw noAccount(attributes, name);
}

const noAccount = (attributes: AdmissionAttributes, name: string) => {
  const why = badSegment(name) ?? `serviceaccount ${JSON.stringify(name)} not found`;
  return forbidden(attributes, `error looking up service account ${attributes.namespace}/${name}: ${why}`);
};

function applyAccount(pod: Mutable<Pod>, account: ServiceAccount, rng: Rng): void {
  if (pod.spec.automountServiceAccountToken ?? account.automountServiceAccountToken ?? true) mountToken(pod, rng);
  const secrets = account.imagePullSecrets ?? [];
  if ((pod.spec.imagePullSecrets ?? []).length === 0 && secrets.length > 0) {
    pod.spec.imagePullSecrets = secrets.map(({ name }) => ({ name })) as Mutable<Pod>["spec"]["imagePullSecrets"];
  }
}

function mountToken({ spec }: Mutable<Pod>, rng: Rng): void {
  const present = spec.volumes?.find(({ name }) => name.startsWith(TOKEN_VOLUME_PREFIX));
  const name = present?.name ?? TOKEN_VOLUME_PREFIX + randomSuffix(rng);
  const mount = { name, readOnly: true, mountPath: TOKEN_MOUNT_PATH } as Mutable<VolumeMount>;
  const containers: Mutable<Container>[] = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  // What is mounted at the path already stays.
  const bare = containers.filter(({ volumeMounts = [] }) => !volumeMounts.some(({ mountPath }) => mountPath === TOKEN_MOUNT_PATH));
  for (const container of bare) container.volumeMounts = [...(container.volumeMounts ?? []), { ...mount }];
  if (present === undefined && bare.length > 0) spec.volumes = [...(spec.volumes ?? []), tokenVolume(name)];
}

function tokenVolume(name: string): Mutable<Volume> {
  const sources = [
    { serviceAccountToken: { expirationSeconds: TOKEN_EXPIRATION_SECONDS, path: "token" } },
    { configMap: { name: "kube-root-ca.crt", items: [{ key: "ca.crt", path: "ca.crt" }] } },
    { downwardAPI: { items: [{ path: "namespace", fieldRef: { apiVersion: "v1", fieldPath: "metadata.namespace" } }] } },
  ];
  return { name, projected: { sources, defaultMode: 0o644 } } as Mutable<Volume>;
}

const isMirror = (pod: Pod | Mutable<Pod>) => pod.metadata.annotations?.[MIRROR_ANNOTATION] !== undefined;

function validate(attributes: AdmissionAttributes, reader: ObjectReader): void {
  const pod = attributes.object as Pod;
  const name = pod.spec.serviceAccountName ?? "";
  const isCreate = attributes.operation === "CREATE";
  if (isCreate && isMirror(pod)) return validateMirror(attributes, pod);
  if (name === "") throw forbidden(attributes, `no service account specified for pod ${attributes.namespace}/${pod.metadata.name}`);
  const account = reader.lookup(SERVICE_ACCOUNTS, attributes.namespace, name);
  if (account === undefined) throw noAccount(attributes, name);
  if (!["1", "t", "T", "true", "TRUE", "True"].includes(account.metadata.annotations?.[ENFORCE_ANNOTATION] ?? "")) return;
  const why = unmountableSecret(pod, account, isCreate ? "pod" : "ephemeral");
  if (why !== undefined) throw forbidden(attributes, why);
}

/** The kubelet's reflection of a static pod, which has to do without the API. */
function validateMirror(attributes: AdmissionAttributes, pod: Pod): void {
  if (pod.spec.serviceAccountName) throw forbidden(attributes, "a mirror pod may not reference service accounts");
  if (podSecretNames(pod).length > 0) throw forbidden(attributes, "a mirror pod may not reference secrets");
  const projects = (volume: Volume) => volume.projected?.sources?.some((source) => source.serviceAccountToken !== undefined) ?? false;
  if (pod.spec.volumes?.some(projects)) throw forbidden(attributes, "a mirror pod may not use ServiceAccountToken volume projections");
}
