import type { KubeObject } from "#apimachinery/object.ts";
import type { ApiCall } from "#client/transport.ts";
import { sameJson } from "#lib/same-json.ts";

import { type Case, type Check, partsOf, uidOf } from "./judge.ts";
import type { DiskChange } from "./sim-disk.ts";

/** What holds of every object, whatever its kind: identity, versions, deletion. */
export function objectsCheck({ accuse }: Case): Check {
  let lastRevision = 0;
  return {
    changed(change) {
      const { key, revision } = change;
      if (revision < lastRevision) accuse(`revision ${revision} of ${key} comes after ${lastRevision}`);
      lastRevision = revision;
      if (isPlentiful(key)) return;
      const { object, before } = change;
      if (object === undefined || before === undefined) return;
      if (uidOf(object) !== uidOf(before)) accuse(`${key} changes its uid without having been deleted`);
      const [generation = 0, earlier = 0] = [object.metadata.generation, before.metadata.generation];
      if (generation < earlier) accuse(`${key}: generation falls from ${earlier} to ${generation}`);
      if (before.metadata.deletionTimestamp !== undefined && object.metadata.deletionTimestamp === undefined) accuse(`${key} is no longer being deleted`);
      const observed = (object as { status?: { observedGeneration?: number } }).status?.observedGeneration ?? 0;
      if (observed > generation) accuse(`${key}: generation ${observed} was observed, where ${generation} is the newest`);
    },
  };
}

/** Written all the time, and by far the most of all; decoding them all would take longer than the rest of the run. */
const isPlentiful = (key: string) => key.startsWith("/registry/events/") || key.startsWith("/registry/leases/");

/** Whatever was acknowledged is durable, under the version that was told, as it was told. */
export function acknowledgementsCheck({ disk, accuse }: Case): Check {
  return {
    acknowledged({ verb, resource, subresource, name, options }: ApiCall, answer: unknown) {
      if (verb === "get" || verb === "list" || verb === "deletecollection" || options?.dryRun !== undefined) return;
      const object = answer as KubeObject & { kind?: string };
      const { resourceVersion } = object.metadata;
      if (resourceVersion === undefined) return; // a Status: says that something was done, and no more
      const found = disk.changesAt(Number(resourceVersion)).find((change) => isAbout(change, object));
      const what = `${verb} ${resource.plural}${subresource === undefined ? "" : `/${subresource}`} ${name ?? object.metadata.name}`;
      if (found === undefined) return accuse(`${what} was acknowledged as version ${resourceVersion}, which was never durable`);
      // As upstream, whoever takes the last finalizer off gets the last state with its old version.
      const isLast = object.metadata.deletionTimestamp !== undefined && uidOf(disk.get(found.key)) !== uidOf(object);
      if (!isLast && found.object !== undefined && !sameContent(found.object, object))
        accuse(
          `${what} was acknowledged with other content than version ${resourceVersion} has: ${JSON.stringify(object)}, not ${JSON.stringify(found.object)}`,
        );
    },
  };
}

const isAbout = ({ object, before }: DiskChange, { metadata }: KubeObject) =>
  (object ?? before)?.metadata.uid === metadata.uid && (object ?? before)?.metadata.name === metadata.name;

/** The kind stands in every answer, but not in what is kept. */
function sameContent(stored: KubeObject, told: KubeObject): boolean {
  const bare = (object: KubeObject) => ({ ...object, kind: undefined, apiVersion: undefined });
  return sameJson(bare(stored), bare(told));
}

/** What is given out once must not be given out twice: addresses, ports, pod ranges. */
export function uniquenessCheck({ accuse }: Case): Check {
  const holders = new Map<string, string>();
  const given = (place: string, object: KubeObject): string[] => {
    const { spec = {} } = object as { spec?: { clusterIP?: string; ports?: readonly { nodePort?: number }[]; podCIDR?: string } };
    if (place === "minions") return spec.podCIDR ? [`pod range ${spec.podCIDR}`] : [];
    if (place !== "services") return [];
    const ports = (spec.ports ?? []).flatMap(({ nodePort }) => (nodePort ? [`node port ${nodePort}`] : []));
    return spec.clusterIP && spec.clusterIP !== "None" ? [`address ${spec.clusterIP}`, ...ports] : ports;
  };
  return {
    changed({ key, object, before }) {
      const { place, name } = partsOf(key);
      const isSpecs = key.startsWith("/registry/services/specs/");
      if (place !== "minions" && !isSpecs) return;
      for (const thing of before === undefined ? [] : given(place, before)) if (holders.get(thing) === name) holders.delete(thing);
      for (const thing of object === undefined ? [] : given(place, object)) {
        const other = holders.get(thing);
        if (other !== undefined && other !== name) accuse(`${thing} is ${other}'s and ${name}'s`);
        holders.set(thing, name);
      }
    },
  };
}
