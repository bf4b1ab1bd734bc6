/** The kernel's maps as the proxy's scripts change them: refuses, as nft does, what is there with another value, and to delete what is not. */
export class FakeNft {
  readonly #maps = new Map<string, Map<string, string>>();
  /** Held back while set; for tests of what happens during an nft run. */
  gate: Promise<void> = Promise.resolve();
  refusals = 0;

  readonly apply = async (script: string): Promise<void> => {
    await this.gate;
    const maps = script.includes("delete table") ? new Map<string, Map<string, string>>() : new Map([...this.#maps].map(([name, map]) => [name, new Map(map)]));
    try {
      for (const [, verb = "", name = "", list = ""] of script.matchAll(/^(add|delete) element ip \S+ (\S+) \{ (.*) \}$/gm)) {
        const map = maps.get(name) ?? new Map<string, string>();
        maps.set(name, map);
        for (const element of list.split(", ")) change(map, verb, element);
      }
    } catch (error) {
      this.refusals++;
      throw error;
    }
    this.#maps.clear();
    for (const [name, map] of maps) this.#maps.set(name, map);
  };

  /** `key = value` of every element of a map, ordered. */
  elements(name: string): string[] {
    return [...(this.#maps.get(name) ?? [])].map(([key, value]) => (value === "" ? key : `${key} = ${value}`)).sort();
  }
}

function change(map: Map<string, string>, verb: string, element: string): void {
  const [key = "", value = ""] = element.split(" : ");
  if (verb === "delete") {
    if (!map.delete(key)) throw new Error(`could not process rule: no such element ${key}`);
  } else if ((map.get(key) ?? value) !== value) throw new Error(`could not process rule: file exists: ${key}`);
  else map.set(key, value);
}
