import { once } from "node:events";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";

import type { AdmissionRequest, AdmissionReview } from "#api/admission-v1/types.ts";

/** What a webhook answers: a response, to be sent in a review of the version asked, or whatever else it sends. */
export type WebhookAnswer = object | { readonly raw: string; readonly code?: number; readonly type?: string } | "hang";

export interface WebhookServer {
  readonly port: number;
  readonly url: string;
  /** What was asked, in order, each with its path. */
  readonly asked: { readonly path: string; readonly version: string; readonly request: AdmissionRequest }[];
  close(): Promise<void>;
}

/** A webhook on 127.0.0.1 with TLS, as a user would run one. */
export async function startWebhook(
  tls: { readonly cert: string; readonly key: string },
  answer: (request: AdmissionRequest, path: string) => WebhookAnswer,
): Promise<WebhookServer> {
  const asked: WebhookServer["asked"] = [];
  const server: Server = createServer(tls, (request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const review = JSON.parse(Buffer.concat(chunks).toString()) as AdmissionReview & { apiVersion: string };
      const path = request.url!.split("?")[0]!;
      asked.push({ path, version: review.apiVersion, request: review.request! });
      const given = answer(review.request!, path);
      if (given === "hang") return;
      if ("raw" in given) {
        response.writeHead(given.code ?? 200, { "content-type": given.type ?? "application/json" });
        return response.end(given.raw);
      }
      response.writeHead(200, { "content-type": "application/json" });
      response.end(JSON.stringify({ kind: "AdmissionReview", apiVersion: review.apiVersion, response: { uid: review.request!.uid, allowed: true, ...given } }));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, "close");
  };
  return { port, url: `https://127.0.0.1:${port}`, asked, close };
}

/** A JSON patch as responses carry it. */
export function patchOf(...operations: readonly object[]): { readonly patchType: string; readonly patch: string } {
  return { patchType: "JSONPatch", patch: Buffer.from(JSON.stringify(operations)).toString("base64") };
}
