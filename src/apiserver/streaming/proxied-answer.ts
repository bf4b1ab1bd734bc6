import type { IncomingMessage, OutgoingHttpHeaders } from "node:http";
import { promisify } from "node:util";
import { deflateRaw, gunzip, gzip, inflateRaw } from "node:zlib";

import type { Outgoing } from "#apiserver/http/exchange.ts";
import { type ProxiedPage, rewrittenHtml, rewrittenUrl } from "#apiserver/streaming/rewrite-links.ts";
import { pour } from "#apiserver/streaming/tunnel.ts";

/** Larger pages go through as they are. */
const MAX_PAGE_BYTES = 4 * 1024 * 1024;
const NOT_PASSED_ON = new Set([
  ...["connection", "keep-alive", "transfer-encoding", "upgrade", "proxy-connection"],
  // Who may read what comes from the API's address is not for what runs behind it to say.
  ...["access-control-allow-credentials", "access-control-allow-headers", "access-control-allow-methods", "access-control-allow-origin"],
]);

interface Coding {
  decode(bytes: Buffer): Promise<Buffer>;
  encode(bytes: Buffer): Promise<Buffer>;
}

const CODINGS: Readonly<Record<string, Coding>> = {
  "": { decode: async (bytes) => bytes, encode: async (bytes) => bytes },
  gzip: { decode: (bytes) => promisify(gunzip)(bytes, { maxOutputLength: MAX_PAGE_BYTES }), encode: (bytes) => promisify(gzip)(bytes) },
  deflate: { decode: (bytes) => promisify(inflateRaw)(bytes, { maxOutputLength: MAX_PAGE_BYTES }), encode: (bytes) => promisify(deflateRaw)(bytes) },
};

/** Sends on what a backend has answered; redirections and the links of its pages lead through the proxy. */
export async function sendProxied(method: string, answer: IncomingMessage, page: ProxiedPage, out: Outgoing): Promise<void> {
  const { statusCode = 502 } = answer;
  const headers: OutgoingHttpHeaders = Object.fromEntries(Object.entries(answer.headers).filter(([name]) => !NOT_PASSED_ON.has(name)));
  if (typeof headers["location"] === "string") headers["location"] = rewrittenUrl(headers["location"], page);
  const coding = CODINGS[answer.headers["content-encoding"] ?? ""];
  const isPage = headers["location"] === undefined && /^text\/html\s*(;|$)/.test(answer.headers["content-type"] ?? "");
  if (!isPage || coding === undefined || method === "HEAD") {
    out.writeHead(statusCode, headers);
    return pour(answer, out);
  }
  const { bytes, isWhole } = await firstBytes(answer);
  const rewritten = isWhole ? await rewrittenPage(bytes, coding, page) : undefined;
  if (rewritten !== undefined) {
    out.writeHead(statusCode, { ...headers, "content-length": rewritten.length }).end(rewritten);
    return;
  }
  out.writeHead(statusCode, headers).write(bytes);
  if (isWhole) return void out.end();
  const poured = pour(answer, out);
  answer.resume();
  await poured;
}

/** All of an answer that is no larger than a page may be; of others, what has come. */
function firstBytes(answer: IncomingMessage): Promise<{ readonly bytes: Buffer; readonly isWhole: boolean }> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const settle = (isWhole: boolean) => {
      answer.off("data", take).off("end", end).off("error", reject);
      resolve({ bytes: Buffer.concat(chunks), isWhole });
    };
    const end = () => settle(true);
    const take = (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size <= MAX_PAGE_BYTES) return;
      answer.pause();
      settle(false);
    };
    answer
      .on("data", take)
      .once("end", end)
      .once("error", reject)
      .once("close", () => reject(new Error("unexpected EOF")));
  });
}

/** @returns `undefined` for what is not packed as it says */
async function rewrittenPage(bytes: Buffer, { decode, encode }: Coding, page: ProxiedPage): Promise<Buffer | undefined> {
  try {
    return await encode(Buffer.from(rewrittenHtml((await decode(bytes)).toString("latin1"), page), "latin1"));
  } catch {
    return undefined;
  }
}
