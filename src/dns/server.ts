import { createSocket, type RemoteInfo, type Socket as UdpSocket } from "node:dgram";
import { createServer, type Server, type Socket } from "node:net";

import type { Logger } from "#lib/logger.ts";

import { framed } from "./forwarder.ts";
import { respond, type Zone } from "./respond.ts";

const LENGTH_BYTES = 2;
const IDLE_TCP_MS = 10_000;
const MAX_TCP_CLIENTS = 200;
/** Answers that a client asked for but does not read; with more it is let go. */
const MAX_UNREAD_BYTES = 1024 * 1024;

export interface DnsServerOptions {
  readonly zone: Zone;
  readonly addresses: readonly string[];
  readonly port: number;
  readonly logger: Logger;
}

/** Serves the cluster's names by UDP and TCP on every address given. */
export async function startDnsServer(options: DnsServerOptions): Promise<{ stop(): Promise<void> }> {
  const stops: (() => Promise<void>)[] = [];
  try {
    for (const address of options.addresses) stops.push(await serveUdp(options, address), await serveTcp(options, address));
  } catch (error) {
    await Promise.all(stops.map((stop) => stop()));
    throw new Error(`cannot serve DNS on ${options.addresses.join(", ")}, port ${options.port}`, { cause: error });
  }
  return { stop: async () => void (await Promise.all(stops.map((stop) => stop()))) };
}

async function serveUdp({ zone, port, logger }: DnsServerOptions, address: string): Promise<() => Promise<void>> {
  const socket = createSocket({ type: "udp4" });
  let isOpen = true;
  const answer = async (message: Buffer, to: RemoteInfo) => {
    const response = await respond(message, zone, "udp");
    if (response !== undefined && isOpen) socket.send(response, to.port, to.address);
  };
  socket.on("message", (message, from) => {
    answer(message, from).catch((error: unknown) => logger.error("DNS query failed", { error }));
  });
  await bound(socket, port, address);
  socket.on("error", (error) => logger.warn("DNS socket", { error }));
  return () => {
    isOpen = false;
    return new Promise((resolve) => socket.close(() => resolve()));
  };
}

function bound(socket: UdpSocket, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("error", reject);
    socket.bind(port, address, () => {
      socket.off("error", reject);
      resolve();
    });
  });
}

async function serveTcp({ zone, port, logger }: DnsServerOptions, address: string): Promise<() => Promise<void>> {
  const server = createServer((socket) => serveConnection(socket, zone, logger));
  server.maxConnections = MAX_TCP_CLIENTS;
  const sockets = new Set<Socket>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await listening(server, port, address);
  server.on("error", (error) => logger.warn("DNS connection could not be taken", { error }));
  return () =>
    new Promise((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
}

function listening(server: Server, port: number, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, address, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function serveConnection(socket: Socket, zone: Zone, logger: Logger): void {
  let received: Buffer = Buffer.alloc(0);
  const answer = async (message: Buffer) => {
    const response = await respond(message, zone, "tcp");
    if (response === undefined || socket.writableLength > MAX_UNREAD_BYTES) socket.destroy();
    else if (!socket.destroyed) socket.write(framed(response));
  };
  socket.setTimeout(IDLE_TCP_MS, () => socket.destroy());
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    while (received.length >= LENGTH_BYTES && received.length >= LENGTH_BYTES + received.readUInt16BE()) {
      const end = LENGTH_BYTES + received.readUInt16BE();
      const message = received.subarray(LENGTH_BYTES, end);
      received = received.subarray(end);
      answer(message).catch((error: unknown) => logger.error("DNS query failed", { error }));
    }
  });
}
