import { TEMPLATE_GENERATION } from "#api/apps-v1/defaults.ts";
import type { KubeObject } from "#apimachinery/object.ts";

/** Where apps/v1 keeps what was a field of a deployment's spec once. */
export const ROLLBACK_TO = "deprecated.deployment.rollback.to";

type Workload = KubeObject & { readonly spec?: Readonly<Record<string, unknown>> };

/**
 * A field of the spec that is an annotation in apps/v1, both of them a number.
 *
 * @see kubernetes pkg/apis/apps/v1/conversion.go
 */
interface MovedField {
  readonly annotation: string;
  readonly field: string;
  /** The number in the field's value; `undefined` for a value without. */
  read(value: unknown): number | undefined;
  /** The field's value, `undefined` for a field that is left out. */
  write(count: number): unknown;
  /** What apps/v1 says when there is no field. */
  readonly absent?: number;
}

const rollbackTo: MovedField = {
  annotation: ROLLBACK_TO,
  field: "rollbackTo",
  read: (value) => (value === undefined || value === null ? undefined : ((value as { revision?: number }).revision ?? 0)),
  write: (revision) => (revision === 0 ? {} : { revision }),
};

const templateGeneration: MovedField = {
  annotation: TEMPLATE_GENERATION,
  field: "templateGeneration",
  read: (value) => value as number | undefined,
  write: (generation) => (generation === 0 ? undefined : generation),
  absent: 0,
};

/** The fields of workloads that apps/v1 has elsewhere, by `group/version kind`; all others are named alike. */
export const MOVED_FIELDS: Readonly<Record<string, MovedField>> = {
  "apps/v1beta1 Deployment": rollbackTo,
  "extensions/v1beta1 Deployment": rollbackTo,
  "extensions/v1beta1 DaemonSet": templateGeneration,
};

/** A workload of an old version as apps/v1 says it. */
export function workloadToStored(object: Workload, apiVersion: string, moved: MovedField | undefined): KubeObject {
  if (moved === undefined) return { ...object, apiVersion };
  const { [moved.field]: value, ...spec } = object.spec ?? {};
  const count = moved.read(value) ?? moved.absent;
  const metadata = withAnnotation(object.metadata, moved.annotation, count === undefined ? undefined : String(count));
  return { ...object, apiVersion, metadata, ...(object.spec && { spec }) } as KubeObject;
}

/** A workload of apps/v1 as an old version says it; an annotation that is no number stays one. */
export function workloadFromStored(object: Workload, apiVersion: string, moved: MovedField | undefined): KubeObject {
  const text = moved && object.metadata.annotations?.[moved.annotation];
  if (moved === undefined || text === undefined || !/^-?\d+$/.test(text)) return { ...object, apiVersion };
  const value = moved.write(Number(text));
  const metadata = withAnnotation(object.metadata, moved.annotation, undefined);
  return { ...object, apiVersion, metadata, spec: { ...object.spec, ...(value !== undefined && { [moved.field]: value }) } } as KubeObject;
}

function withAnnotation(metadata: KubeObject["metadata"], key: string, value: string | undefined): KubeObject["metadata"] {
  const { annotations, ...rest } = metadata;
  const { [key]: _old, ...others } = annotations ?? {};
  const all = { ...others, ...(value !== undefined && { [key]: value }) };
  return Object.keys(all).length > 0 ? { ...rest, annotations: all } : (rest as KubeObject["metadata"]);
}
