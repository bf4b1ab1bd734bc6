import { decodeMessage, encodeMessage, type ProtoTable } from "#apimachinery/protobuf/codec.ts";
import { GrpcClient } from "#lib/grpc/grpc-client.ts";

/** The little of `containerd.services.leases.v1` that is used here. */
const TABLE: ProtoTable = {
  messages: {
    ListRequest: { fields: [{ name: "filters", number: 1, type: "string", repeated: true }] },
    ListResponse: { fields: [{ name: "leases", number: 1, type: "Lease", repeated: true }] },
    Lease: {
      fields: [
        { name: "id", number: 1, type: "string" },
        { name: "createdAt", number: 2, type: "Timestamp" },
      ],
    },
    Timestamp: {
      fields: [
        { name: "seconds", number: 1, type: "int64" },
        { name: "nanos", number: 2, type: "int32" },
      ],
    },
    DeleteRequest: {
      fields: [
        { name: "id", number: 1, type: "string" },
        { name: "sync", number: 2, type: "bool" },
      ],
    },
    Empty: { fields: [] },
  },
};

interface Lease {
  readonly id: string;
  readonly createdAt?: { readonly seconds: number; readonly nanos: number };
}

const LEASES = "/containerd.services.leases.v1.Leases";
const OPTIONS = { timeoutMs: 30_000, headers: { "containerd-namespace": "k8s.io" } };
/** Those that end by themselves, after a day: of one call each. */
const OF_CALLS = 'labels."containerd.io/gc.expire"';

/**
 * Ends the leases of calls that began before `beforeMs`, in milliseconds since the epoch. containerd keeps what a call has made,
 * such as a container's file system, for as long as its lease; that of a call that was killed would last for a day.
 *
 * @returns how many there were
 */
export async function endLeases(socket: string, beforeMs: number): Promise<number> {
  const client = new GrpcClient({ path: socket });
  try {
    const bytes = await client.unary(`${LEASES}/List`, encodeMessage(TABLE, "ListRequest", { filters: [OF_CALLS] }), OPTIONS);
    const { leases } = decodeMessage<{ leases: readonly Lease[] }>(TABLE, "ListResponse", bytes);
    const old = leases.filter(({ createdAt }) => createdAt !== undefined && createdAt.seconds * 1000 + createdAt.nanos / 1e6 < beforeMs);
    // The last one has what is free then removed before it returns.
    for (const [i, { id }] of old.entries()) {
      await client.unary(`${LEASES}/Delete`, encodeMessage(TABLE, "DeleteRequest", { id, sync: i === old.length - 1 }), OPTIONS);
    }
    return old.length;
  } finally {
    client.close();
  }
}
