import type { Element, ElementMap } from "./service-elements.ts";

/** Dispatch maps: their elements go to the chain that draws one of so many slots. */
const DISPATCH: Readonly<Partial<Record<ElementMap, string>>> = { cluster_ips: "pick", node_ports: "pick_node_port" };

interface Holding {
  readonly element: Element;
  holders: number;
}

/** Scripts for nft, to be applied one after the other. */
export interface Change {
  readonly change: readonly string[];
  /**
   * Takes away slots that are no longer drawn. A connection that drew one just before the change looks it up just after:
   * in one transaction with the change it would find nothing, and be refused.
   */
  readonly sweep: readonly string[];
}

/**
 * What stands in the kernel's maps, service by service, and the commands that bring a service's new elements about.
 * An element that several services need (a pod behind two of them) stands once. An address that several claim (as an
 * external IP) is the first one's until that lets go: nft takes one value for a key, and refuses a whole script for two.
 */
export class ElementTable {
  readonly #tableName: string;
  readonly #held = new Map<string, Holding>();
  readonly #ofService = new Map<string, readonly Element[]>();
  /** Services by the address and port that is theirs. */
  readonly #owners = new Map<string, string>();
  /** Services that found an address taken, by that address. */
  readonly #denied = new Map<string, Set<string>>();
  #freed: string[] = [];

  /** @param tableName as nft names it: `ip skiff` */
  constructor(tableName: string) {
    this.#tableName = tableName;
  }

  elementsOf(serviceKey: string): readonly Element[] {
    return this.#ofService.get(serviceKey) ?? [];
  }

  /** The nft commands that change the service's elements to `wanted`; none when nothing changes. */
  update(serviceKey: string, allWanted: readonly Element[]): Change {
    const wanted = this.#claim(serviceKey, allWanted);
    const gone: Element[] = [];
    const added: Element[] = [];
    for (const element of wanted) if (this.#hold(element)) added.push(element);
    for (const element of this.elementsOf(serviceKey)) if (this.#release(element)) gone.push(element);
    if (wanted.length > 0) this.#ofService.set(serviceKey, wanted);
    else this.#ofService.delete(serviceKey);
    const kept = new Set(added.map(placeOf));
    const { swept = [], replaced = [] } = Object.groupBy(gone, (element) =>
      element.map.endsWith("_slots") && !kept.has(placeOf(element)) ? "swept" : "replaced",
    );
    return { change: [...this.#lines("delete", replaced), ...this.#lines("add", added)], sweep: this.#lines("delete", swept) };
  }

  /** Services that were denied an address which has become free since the last call: worth another `update`. */
  takeFreed(): readonly string[] {
    const freed = this.#freed;
    this.#freed = [];
    return freed;
  }

  /** @returns the elements whose address no other service has */
  #claim(serviceKey: string, wanted: readonly Element[]): readonly Element[] {
    const claims = new Set(wanted.map(claimOf));
    for (const element of this.elementsOf(serviceKey)) if (!claims.has(claimOf(element))) this.#letGo(claimOf(element));
    return wanted.filter((element) => {
      const claim = claimOf(element);
      if (claim === undefined) return true;
      const owner = this.#owners.get(claim) ?? serviceKey;
      if (owner === serviceKey) this.#owners.set(claim, serviceKey);
      else this.#denied.set(claim, (this.#denied.get(claim) ?? new Set()).add(serviceKey));
      return owner === serviceKey;
    });
  }

  #letGo(claim: string | undefined): void {
    if (claim === undefined) return;
    this.#owners.delete(claim);
    this.#freed.push(...(this.#denied.get(claim) ?? []));
    this.#denied.delete(claim);
  }

  /** @returns whether the element is new */
  #hold(element: Element): boolean {
    const id = idOf(element);
    const holding = this.#held.get(id);
    if (holding === undefined) this.#held.set(id, { element, holders: 1 });
    else holding.holders++;
    return holding === undefined;
  }

  /** @returns whether nobody needs the element any more */
  #release(element: Element): boolean {
    const id = idOf(element);
    const holding = this.#held.get(id)!;
    if (--holding.holders > 0) return false;
    this.#held.delete(id);
    return true;
  }

  #lines(verb: "add" | "delete", elements: readonly Element[]): string[] {
    const byMap = Map.groupBy(elements, ({ map }) => map);
    return [...byMap].map(([map, some]) => `${verb} element ${this.#tableName} ${map} { ${some.map(verb === "add" ? printed : ({ key }) => key).join(", ")} }`);
  }
}

/** The largest number of slots that one of the elements draws from: the table needs a chain for it. */
export function largestDraw(elements: readonly Element[]): number {
  return Math.max(0, ...elements.filter(({ map }) => DISPATCH[map] !== undefined).map(({ value }) => Number(value)));
}

/** The address and port that an element belongs to; `undefined` for what services may share. */
function claimOf({ map, key }: Element): string | undefined {
  if (map === "hairpins") return undefined;
  return map.endsWith("_slots") ? key.slice(0, key.lastIndexOf(" . ")) : key;
}

const placeOf = ({ map, key }: Element) => `${map} ${key}`;
const idOf = ({ map, key, value }: Element) => `${map} ${key} ${value}`;

function printed({ map, key, value }: Element): string {
  const chain = DISPATCH[map];
  if (chain !== undefined) return `${key} : goto ${chain}_${value}`;
  return value === "" ? key : `${key} : ${value}`;
}
