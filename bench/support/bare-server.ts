/**
 * Node's own HTTP/2 server with TLS, which answers with bytes that lie ready: `bare-server.ts CERT KEY CA OBJECT LIST`. The
 * floor for a server on the same machine with the same client. Prints its port.
 */
import { readFileSync } from "node:fs";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";

const [cert = "", key = "", ca = "", object = "", list = ""] = process.argv.slice(2);
const read = (file: string) => readFileSync(file);
const objectBytes = read(object);
const listBytes = read(list);

const server = createSecureServer({ cert: read(cert), key: read(key), ca: read(ca), requestCert: true });
server.on("stream", (stream: ServerHttp2Stream, headers) => {
  const method = headers[":method"];
  const isList = method === "GET" && headers[":path"]?.endsWith("/pods") === true;
  const answer = () => {
    stream.respond({ ":status": method === "POST" ? 201 : 200, "content-type": "application/json" });
    stream.end(isList ? listBytes : objectBytes);
  };
  stream.on("error", () => undefined);
  if (method !== "POST") return answer();
  stream.resume();
  stream.once("end", answer);
});
server.listen(0, "127.0.0.1", () => process.stdout.write(`${(server.address() as AddressInfo).port}\n`));
