import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:https";

import { createWebSocketStream, WebSocket } from "ws";

import { SpdyConnection } from "#lib/spdy/connection.ts";

import type { TestNode } from "./test-node.ts";

/** A client of exec and attach, as kubectl is one. */
export class CommandClient {
  readonly socket: WebSocket;
  readonly output: Record<number, string> = { 1: "", 2: "", 3: "" };
  /** Bytes received on the output. */
  outputBytes = 0;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data: Buffer) => {
      const channel = data[0]!;
      if (channel === 1) this.outputBytes += data.length - 1;
      this.output[channel] = (this.output[channel] ?? "") + data.toString("latin1", 1);
    });
  }

  static async open(node: TestNode, path: string, protocol = "v5.channel.k8s.io"): Promise<CommandClient> {
    const { cert, key } = await adminOf(node);
    const client = new CommandClient(
      new WebSocket(`wss://127.0.0.1:${node.server.port}${path}`, [protocol], { cert, key, ca: node.pki.ca, perMessageDeflate: false }),
    );
    await once(client.socket, "open");
    return client;
  }

  input(data: string | Buffer): void {
    this.socket.send(Buffer.concat([Buffer.from([0]), Buffer.from(data)]));
  }

  resize(Width: number, Height: number): void {
    this.socket.send(Buffer.concat([Buffer.from([4]), Buffer.from(JSON.stringify({ Width, Height }))]));
  }

  closeInput(): void {
    this.socket.send(Buffer.from([255, 0]));
  }

  /** Resolves when the text of `channel` has `text` in it. */
  async until(channel: number, text: string): Promise<void> {
    while (!this.output[channel]?.includes(text)) await once(this.socket, "message");
  }

  /** What the server said at the end. */
  async status(): Promise<{ status: string; reason?: string; message?: string; details?: { causes?: { reason?: string; message: string }[] } }> {
    if (this.socket.readyState !== WebSocket.CLOSED) await once(this.socket, "close");
    return JSON.parse(this.output[3] ?? "");
  }
}

const admins = new WeakMap<TestNode, Promise<{ cert: string; key: string }>>();

/** The API server's certificate towards kubelets. */
export function adminOf(node: TestNode): Promise<{ cert: string; key: string }> {
  const known = admins.get(node) ?? node.pki.client("kube-apiserver-kubelet-client", ["system:masters"]);
  admins.set(node, known);
  return known;
}

/** A SPDY connection through a WebSocket tunnel, as newer clients forward ports. */
export async function openTunnel(node: TestNode, path: string): Promise<SpdyConnection> {
  const { cert, key } = await adminOf(node);
  // This protocol's name has a slash, which the client does not let through as a protocol.
  const headers = { "sec-websocket-protocol": "SPDY/3.1+portforward.k8s.io" };
  const socket = new WebSocket(`wss://127.0.0.1:${node.server.port}${path}`, { cert, key, ca: node.pki.ca, perMessageDeflate: false, headers });
  socket.once("upgrade", ({ headers: answered }) => {
    assert.equal(answered["sec-websocket-protocol"], "SPDY/3.1+portforward.k8s.io");
    delete answered["sec-websocket-protocol"];
  });
  await once(socket, "open");
  return new SpdyConnection(createWebSocketStream(socket), { role: "client" });
}

/** A plain request; `undefined` for `identity` shows no certificate. */
export async function get(node: TestNode, path: string, identity: { cert: string; key: string } | undefined): Promise<{ code: number; body: string }> {
  const asking = request({ host: "127.0.0.1", port: node.server.port, path, ca: node.pki.ca, ...identity, agent: false });
  asking.end();
  const [response] = await once(asking, "response");
  let body = "";
  for await (const chunk of response) body += chunk;
  return { code: response.statusCode, body };
}
