import { getOwn } from "#apimachinery/decode/own.ts";
import { builtin } from "#api/resources.ts";
import type { Container, LimitRange, LimitRangeItem, PersistentVolumeClaim, Pod } from "#api/core-v1/types.ts";
import { podLimits, podRequests } from "#api/core-v1/pod/resources.ts";
import type { Mutable } from "#api/strategy.ts";
import { canonicalQuantity, compareQuantities, parseQuantity, signOf, toNumber } from "#apimachinery/quantity.ts";
import type { AdmissionAttributes, AdmissionPlugin } from "#apiserver/admission/admission.ts";
import { forbidden, podOf } from "#apiserver/admission/plugins/attributes.ts";
import type { ObjectReader } from "#apiserver/admission/reader.ts";

const LIMIT_RANGES = builtin<LimitRange>("", "v1", "limitranges");
const ANNOTATION = "kubernetes.io/limit-ranger";

type Resources = Readonly<Record<string, string>>;

/** Fills in what a namespace's limit ranges give by default, and holds pods and claims to their limits. */
export function limitRanger(reader: ObjectReader): AdmissionPlugin {
  return {
    name: "LimitRanger",
    handles: ({ operation, resource, subresource }) => {
      if (resource.group !== "") return false;
      if (resource.plural === "pods") return (operation === "CREATE" && subresource === "") || (operation === "UPDATE" && subresource === "resize");
      return resource.plural === "persistentvolumeclaims" && subresource === "" && (operation === "CREATE" || operation === "UPDATE");
    },
    admit(attributes) {
      if (attributes.resource.plural !== "pods") return;
      for (const range of rangesFor(attributes, reader)) fillIn(podOf(attributes), range);
    },
    validate(attributes) {
      const isPod = attributes.resource.plural === "pods";
      for (const { spec } of rangesFor(attributes, reader)) {
        const items = spec?.limits ?? [];
        const faults = isPod
          ? items.flatMap((item) => podFaults(attributes.object as Pod, item))
          : items.flatMap((item) => claimFaults(attributes.object as PersistentVolumeClaim, item));
        const texts = [...new Set(faults)];
        if (texts.length > 0) throw forbidden(attributes, texts.length === 1 ? texts[0]! : `[${texts.join(", ")}]`);
      }
    },
  };
}

function rangesFor({ namespace, oldObject }: AdmissionAttributes, reader: ObjectReader): readonly LimitRange[] {
  return oldObject?.metadata.deletionTimestamp !== undefined ? [] : reader.list(LIMIT_RANGES, namespace);
}

function fillIn(pod: Mutable<Pod>, { spec }: LimitRange): void {
  const items = (spec?.limits ?? []).filter(({ type }) => type === "Container");
  const limits: Resources = Object.assign({}, ...items.map(defaultLimits));
  const requests: Resources = Object.assign({}, ...items.map(defaultRequests));
  const notes = [
    ...(pod.spec.containers ?? []).flatMap((container) => fillContainer(container, requests, limits, "container")),
    ...(pod.spec.initContainers ?? []).flatMap((container) => fillContainer(container, requests, limits, "init container")),
  ];
  if (notes.length > 0) pod.metadata.annotations = { ...pod.metadata.annotations, [ANNOTATION]: `LimitRanger plugin set: ${notes.join("; ")}` };
}

/** What a range gives when it only says how much there may be. */
const defaultLimits = (item: LimitRangeItem): Resources => ({ ...item.max, ...item.default });

const defaultRequests = (item: LimitRangeItem): Resources => ({ ...item.min, ...defaultLimits(item), ...item.defaultRequest });

function fillContainer(container: Mutable<Container>, requests: Resources, limits: Resources, kind: string): string[] {
  const set = (what: "requests" | "limits", defaults: Resources): string[] => {
    const present = container.resources?.[what] ?? {};
    const missing = Object.keys(defaults)
      .filter((name) => !Object.hasOwn(present, name))
      .sort();
    if (missing.length === 0) return [];
    const added = Object.fromEntries(missing.map((name) => [name, defaults[name]!]));
    container.resources = { ...container.resources, [what]: { ...present, ...added } };
    return [`${missing.join(", ")} ${what === "requests" ? "request" : "limit"} for ${kind} ${container.name}`];
  };
  const limitNotes = set("limits", limits);
  return [...set("requests", requests), ...limitNotes];
}

function podFaults({ spec }: Pod, item: LimitRangeItem): string[] {
  if (item.type === "Pod") return faultsOf(item, podRequests(spec), podLimits(spec));
  if (item.type !== "Container") return [];
  return [...(spec.containers ?? []), ...(spec.initContainers ?? [])].flatMap(({ resources }) =>
    faultsOf(item, resources?.requests ?? {}, resources?.limits ?? {}),
  );
}

function faultsOf({ type, min = {}, max = {}, maxLimitRequestRatio = {} }: LimitRangeItem, requests: Resources, limits: Resources): string[] {
  const each = (bounds: Resources, fault: (name: string, bound: string) => string | undefined) =>
    Object.keys(bounds)
      .sort()
      .flatMap((name) => fault(name, bounds[name]!) ?? []);
  return [
    ...each(min, (name, bound) => belowMinimum(type, name, bound, getOwn(requests, name), getOwn(limits, name))),
    ...each(max, (name, bound) => aboveMaximum(type, name, bound, getOwn(requests, name), getOwn(limits, name))),
    ...each(maxLimitRequestRatio, (name, bound) => ratioFault(type, name, bound, getOwn(requests, name), getOwn(limits, name))),
  ];
}

const compare = (a: string, b: string) => compareQuantities(parseQuantity(a), parseQuantity(b));

function belowMinimum(type: string, name: string, bound: string, request: string | undefined, limit: string | undefined): string | undefined {
  const told = `minimum ${name} usage per ${type} is ${canonicalQuantity(bound)}`;
  if (request === undefined) return `${told}.  No request is specified`;
  if (compare(request, bound) < 0) return `${told}, but request is ${canonicalQuantity(request)}`;
  return limit !== undefined && compare(limit, bound) < 0 ? `${told}, but limit is ${canonicalQuantity(limit)}` : undefined;
}

function aboveMaximum(type: string, name: string, bound: string, request: string | undefined, limit: string | undefined): string | undefined {
  const told = `maximum ${name} usage per ${type} is ${canonicalQuantity(bound)}`;
  if (limit === undefined) return `${told}.  No limit is specified`;
  if (compare(limit, bound) > 0) return `${told}, but limit is ${canonicalQuantity(limit)}`;
  return request !== undefined && compare(request, bound) > 0 ? `${told}, but request is ${canonicalQuantity(request)}` : undefined;
}

function ratioFault(type: string, name: string, bound: string, request: string | undefined, limit: string | undefined): string | undefined {
  const told = `${name} max limit to request ratio per ${type} is ${canonicalQuantity(bound)}`;
  const isZero = (text: string | undefined) => text === undefined || signOf(parseQuantity(text)) === 0;
  if (isZero(request)) return `${told}, but no request is specified or request is 0`;
  if (isZero(limit)) return `${told}, but no limit is specified or limit is 0`;
  const ratio = toNumber(parseQuantity(limit!)) / toNumber(parseQuantity(request!));
  return ratio > toNumber(parseQuantity(bound)) ? `${told}, but provided ratio is ${ratio.toFixed(6)}` : undefined;
}

/** Of a claim only requests count. */
function claimFaults({ spec }: PersistentVolumeClaim, { type, min = {}, max = {} }: LimitRangeItem): string[] {
  if (type !== "PersistentVolumeClaim") return [];
  const requests = spec?.resources?.requests ?? {};
  const low = Object.keys(min).flatMap((name) => belowMinimum(type, name, min[name]!, getOwn(requests, name), undefined) ?? []);
  const high = Object.keys(max).flatMap((name) => {
    const told = `maximum ${name} usage per ${type} is ${canonicalQuantity(max[name]!)}`;
    const request = getOwn(requests, name);
    if (request === undefined) return [`${told}.  No request is specified`];
    return compare(request, max[name]!) > 0 ? [`${told}, but request is ${canonicalQuantity(request)}`] : [];
  });
  return [...low, ...high];
}
