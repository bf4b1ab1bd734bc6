import { once } from "node:events";
import type { Duplex, Readable, Writable } from "node:stream";

import type { Clock } from "#lib/clock.ts";
import type { SpdyStream } from "#lib/spdy/connection.ts";

import { type CommandStreams, type Outcome, parseSize, SizeHolder, statusOf, type StreamOptions } from "./command-streams.ts";
import { acceptSpdy } from "./spdy-upgrade.ts";
import type { UpgradeRequest } from "./upgrade-request.ts";

/** The subprotocols of remote commands over SPDY, best first. */
export const SPDY_COMMAND_PROTOCOLS = ["v4.channel.k8s.io", "v3.channel.k8s.io", "v2.channel.k8s.io", "channel.k8s.io"] as const;
export type SpdyCommandProtocol = (typeof SPDY_COMMAND_PROTOCOLS)[number];

const STRUCTURED: ReadonlySet<SpdyCommandProtocol> = new Set(["v4.channel.k8s.io"]);
const WITH_SIZES: ReadonlySet<SpdyCommandProtocol> = new Set(["v4.channel.k8s.io", "v3.channel.k8s.io"]);
/** A client opens its streams right after the upgrade, or it never will. */
const STREAMS_WAIT_MS = 30_000;
/** A client that has all it asked for goes. One that does not, holds no more than its connection. */
const FAREWELL_MS = 4 * 3600_000;
const MAX_SIZE_BYTES = 1024;

type StreamType = "error" | "stdin" | "stdout" | "stderr" | "resize";

/**
 * A remote command's streams as SPDY streams, one each.
 *
 * @see staging/src/k8s.io/kubelet/pkg/cri/streaming/remotecommand/httpstream.go
 */
export class SpdyCommand implements CommandStreams {
  readonly stdin: Readable | undefined;
  readonly stdout: Writable | undefined;
  readonly stderr: Writable | undefined;
  readonly gone: AbortSignal;
  readonly #socket: Duplex;
  readonly #clock: Clock;
  readonly #protocol: SpdyCommandProtocol;
  readonly #streams: ReadonlyMap<StreamType, SpdyStream>;
  readonly #sizes = new SizeHolder();

  /**
   * Accepts the upgrade and waits until the client has opened what its query speaks of.
   *
   * @param asked what the query asked for
   * @param used what of it there is to be had; the rest is dropped
   * @returns `undefined` for a client that does not, or goes
   */
  static async open(
    upgrade: UpgradeRequest,
    protocol: SpdyCommandProtocol,
    { asked, used }: { readonly asked: StreamOptions; readonly used: StreamOptions },
    clock: Clock,
  ): Promise<SpdyCommand | undefined> {
    const { socket } = upgrade;
    const gone = whenGone(socket);
    const streams = new Map<StreamType, SpdyStream>();
    const complete = Promise.withResolvers<boolean>();
    const missing = wanted(asked, protocol);
    acceptSpdy(upgrade, protocol, (stream) => {
      const type = stream.headers["streamtype"] as StreamType;
      stream.on("error", () => {}); // its end is seen by who uses it
      if (streams.has(type) || !missing.delete(type)) return stream.reset();
      streams.set(type, stream);
      if (missing.size === 0) complete.resolve(true);
    });
    const timer = clock.after(STREAMS_WAIT_MS, () => complete.resolve(false));
    gone.addEventListener("abort", () => complete.resolve(false), { once: true });
    const all = await complete.promise;
    timer.cancel();
    if (all) return new SpdyCommand(socket, streams, { protocol, used, gone, clock });
    socket.destroy();
    return undefined;
  }

  private constructor(
    socket: Duplex,
    streams: ReadonlyMap<StreamType, SpdyStream>,
    {
      protocol,
      used,
      gone,
      clock,
    }: { readonly protocol: SpdyCommandProtocol; readonly used: StreamOptions; readonly gone: AbortSignal; readonly clock: Clock },
  ) {
    this.#socket = socket;
    this.#clock = clock;
    this.#protocol = protocol;
    this.#streams = streams;
    this.gone = gone;
    this.stdin = used.stdin ? streams.get("stdin") : undefined;
    this.stdout = used.stdout ? streams.get("stdout") : undefined;
    this.stderr = used.stderr && !used.tty ? streams.get("stderr") : undefined;
    this.#watchSizes();
    for (const [type, stream] of streams) if (stream !== this.stdin && type !== "resize") stream.resume();
  }

  onResize(listener: Parameters<CommandStreams["onResize"]>[0]): void {
    this.#sizes.listen(listener);
  }

  /** The client ends the connection when it has read all: an end of ours could overtake what it has not. */
  async finish(outcome: Outcome): Promise<void> {
    const status = statusOf(outcome);
    const error = this.#streams.get("error")!;
    for (const type of ["stdout", "stderr"] as const) this.#streams.get(type)?.end();
    if (STRUCTURED.has(this.#protocol)) error.write(JSON.stringify(status));
    else if (status.status === "Failure") error.write(status.message ?? "");
    error.end();
    // What still comes in is dropped, so that its end is read.
    this.stdin?.unpipe();
    for (const stream of this.#streams.values()) stream.resume();
    if (this.gone.aborted) return;
    const timer = this.#clock.after(FAREWELL_MS, () => this.#socket.destroy());
    await once(this.gone, "abort");
    timer.cancel();
  }

  /** Sizes come as JSON objects, one after the other, cut anyhow. */
  #watchSizes(): void {
    let text = "";
    this.#streams.get("resize")?.on("data", (chunk: Buffer) => {
      text = (text + chunk.toString("latin1")).slice(-MAX_SIZE_BYTES);
      for (let end = text.indexOf("}"); end >= 0; end = text.indexOf("}")) {
        const size = parseSize(text.slice(0, end + 1));
        text = text.slice(end + 1);
        if (size !== undefined) this.#sizes.set(size);
      }
    });
  }
}

function wanted({ stdin, stdout, stderr, tty }: StreamOptions, protocol: SpdyCommandProtocol): Set<StreamType> {
  const types: readonly (StreamType | false)[] = [
    "error",
    stdin && "stdin",
    stdout && "stdout",
    stderr && "stderr",
    tty && WITH_SIZES.has(protocol) && "resize",
  ];
  return new Set(types.filter((type) => type !== false));
}

/** A client that has ended its half gets the rest of ours ended: nobody reads it. */
function whenGone(socket: Duplex): AbortSignal {
  const gone = new AbortController();
  socket.once("end", () => socket.end());
  socket.once("close", () => gone.abort());
  return gone.signal;
}
