import packet, { type Answer, type DecodedPacket, type RecordType } from "dns-packet";

import { answerFromCluster, type ClusterRecords, type RecordData, type ZoneAnswer } from "./cluster-zone.ts";

/** Seconds a client may keep a cluster answer: short, as endpoints come and go. */
const TTL_SECONDS = 5;
const DEFAULT_UDP_BYTES = 512;
const MAX_UDP_BYTES = 1232;
const NXDOMAIN = 3;
const SERVFAIL = 2;
const NOT_IMPLEMENTED = 4;
/** An ExternalName may lead to another one, but not in a circle. */
const MAX_ALIASES = 8;

/** Asks the world outside; takes and gives whole messages, rejects when no resolver answers. */
export type Forward = (query: Buffer, signal?: AbortSignal) => Promise<Buffer>;

export interface Zone {
  readonly domain: string;
  readonly records: ClusterRecords;
  readonly forward: Forward;
}

/**
 * The answer to one DNS message.
 *
 * @param limitBytes the most the transport carries; a longer answer is cut and marked so, so that the client asks by TCP
 * @returns `undefined` for what is no query at all
 */
export async function respond(message: Buffer, zone: Zone, transport: "udp" | "tcp"): Promise<Buffer | undefined> {
  const query = decode(message);
  if (query === undefined || query.type !== "query") return undefined;
  const question = query.questions?.[0];
  if ((query as { opcode?: string }).opcode !== "QUERY" || question === undefined || query.questions?.length !== 1)
    return encode(query, { rcode: NOT_IMPLEMENTED });
  const answer = answerFromCluster(question, zone.domain, zone.records);
  if (answer?.answers.length === 0 && !zone.records.isComplete()) return encode(query, { rcode: SERVFAIL }); // the client asks again
  const full = answer === undefined ? await forwarded(message, query, zone) : await fromCluster(query, question.type, answer, zone);
  const isTooLong = transport === "udp" && full.length > udpLimit(query);
  return isTooLong ? encode(query, { rcode: 0, isCut: true }) : full;
}

async function fromCluster(query: DecodedPacket, type: string, answer: ZoneAnswer, zone: Zone): Promise<Buffer> {
  const answers = await withAliases(answer, type, zone);
  return encode(query, { rcode: answer.rcode === "NXDOMAIN" ? NXDOMAIN : 0, answers, additionals: answer.additionals.map(toAnswer), zone });
}

async function forwarded(message: Buffer, query: DecodedPacket, { forward }: Zone): Promise<Buffer> {
  try {
    return await forward(message);
  } catch {
    return encode(query, { rcode: SERVFAIL }); // the client learns it as any resolver would tell it
  }
}

/** Follows an ExternalName's alias, inside the cluster or outside, as a resolver does for its client. */
async function withAliases(answer: ZoneAnswer, type: string, zone: Zone): Promise<Answer[]> {
  const out = answer.answers.map(toAnswer);
  let alias = answer.answers.find((record) => record.type === "CNAME");
  for (let i = 0; alias !== undefined && type !== "CNAME" && i < MAX_ALIASES; i++) {
    const target = String(alias.data);
    const inside = answerFromCluster({ name: target, type }, zone.domain, zone.records);
    if (inside === undefined) return [...out, ...(await resolveOutside(target, type, zone))];
    out.push(...inside.answers.map(toAnswer));
    alias = inside.answers.find((record) => record.type === "CNAME");
  }
  return out;
}

async function resolveOutside(name: string, type: string, { forward }: Zone): Promise<Answer[]> {
  const query = packet.encode({ type: "query", id: 0, flags: packet.RECURSION_DESIRED, questions: [{ name, type: type as RecordType }] });
  try {
    return decode(await forward(query))?.answers ?? [];
  } catch {
    return []; // the alias alone is still an answer
  }
}

const toAnswer = (record: RecordData): Answer => ({ ...record, ttl: TTL_SECONDS, class: "IN" }) as Answer;

function decode(message: Buffer): DecodedPacket | undefined {
  try {
    return packet.decode(message);
  } catch {
    return undefined;
  }
}

interface Reply {
  readonly rcode: number;
  readonly answers?: readonly Answer[];
  readonly additionals?: readonly Answer[];
  readonly isCut?: boolean;
  /** Whose authority the answer carries. */
  readonly zone?: Zone;
}

function encode(query: DecodedPacket, { rcode, answers = [], additionals = [], isCut = false, zone }: Reply): Buffer {
  const cut = isCut ? packet.TRUNCATED_RESPONSE : 0;
  const authority = zone === undefined ? 0 : packet.AUTHORITATIVE_ANSWER;
  const flags = packet.RECURSION_DESIRED | packet.RECURSION_AVAILABLE | authority | cut | rcode;
  const opt =
    optOf(query) === undefined
      ? []
      : [
          {
            type: "OPT",
            name: ".",
            udpPayloadSize: MAX_UDP_BYTES,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          } as unknown as Answer,
        ];
  const authorities = zone !== undefined && answers.length === 0 ? [startOfAuthority(zone.domain)] : [];
  return packet.encode({
    type: "response",
    id: query.id ?? 0,
    flags,
    questions: query.questions ?? [],
    answers: [...answers],
    authorities,
    additionals: [...additionals, ...opt],
  });
}

/** Tells how long "there is no such name" holds. */
function startOfAuthority(domain: string): Answer {
  const data = { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, serial: 1, refresh: 7200, retry: 1800, expire: 86_400, minimum: TTL_SECONDS };
  return { type: "SOA", name: domain, ttl: TTL_SECONDS, class: "IN", data };
}

const optOf = ({ additionals }: DecodedPacket) => additionals?.find(({ type }) => type === "OPT") as { udpPayloadSize?: number } | undefined;

function udpLimit(query: DecodedPacket): number {
  const offered = optOf(query)?.udpPayloadSize ?? DEFAULT_UDP_BYTES;
  return Math.min(Math.max(offered, DEFAULT_UDP_BYTES), MAX_UDP_BYTES);
}
