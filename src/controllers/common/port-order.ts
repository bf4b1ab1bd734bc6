const OFFSET = 0x6c62272e07bb014262b821756295c58dn;
const PRIME = 0x0000000001000000000000000000013bn;

/** 128-bit FNV-1a. */
function fnv128a(text: string): bigint {
  let hash = OFFSET;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(128, (hash ^ BigInt(byte)) * PRIME);
  return hash;
}

/** Sorts by the hash of what upstream's dump of the Go value gives: the order in which upstream writes ports. */
function byHash<T>(items: readonly T[], dump: (item: T) => string): T[] {
  if (items.length < 2) return [...items];
  const hashed = items.map((item) => [fnv128a(dump(item)), item] as const);
  return hashed.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, item]) => item);
}

interface Port {
  readonly name?: string | undefined;
  readonly port?: number | undefined;
  readonly protocol?: string | undefined;
  readonly appProtocol?: string | undefined;
}

const pointer = (type: string, value: unknown) => `(*${type})${value === undefined ? "<nil>" : String(value)}`;

/** Ports of an EndpointSlice in upstream's order. */
export function inSliceOrder<T extends Port>(ports: readonly T[]): T[] {
  return byHash(ports, ({ name, protocol, port, appProtocol }) => {
    const fields = [`Name:${pointer("string", name)}`, `Protocol:${pointer("v1.Protocol", protocol)}`, `Port:${pointer("int32", port)}`];
    return `(v1.EndpointPort){${fields.join(" ")} AppProtocol:${pointer("string", appProtocol)}}`;
  });
}

/** Ports of an Endpoints subset in upstream's order. */
export function inSubsetOrder<T extends Port>(ports: readonly T[]): T[] {
  return byHash(ports, ({ name = "", protocol = "", port = 0, appProtocol }) => {
    const fields = [`Name:(string)${name}`, `Port:(int32)${port}`, `Protocol:(v1.Protocol)${protocol}`];
    return `(v1.EndpointPort){${fields.join(" ")} AppProtocol:${pointer("string", appProtocol)}}`;
  });
}
