import assert from "node:assert/strict";
import { test } from "node:test";

import { decodeHuffman } from "./huffman.ts";
import { HeaderDecoder } from "./hpack.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const LIMIT = 65_536;

const brief = (decoder: HeaderDecoder, block: string) => decoder.decode(hex(block), LIMIT)!.map(({ name, value }) => `${name}=${value}`);

for (const [text, bytes] of [
  ["www.example.com", "f1e3 c2e5 f23a 6ba0 ab90 f4ff"],
  ["no-cache", "a8eb 1064 9cbf"],
  ["Mon, 21 Oct 2013 20:13:21 GMT", "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff"],
  ["", ""],
] as const) {
  test(`decodeHuffman() reads the RFC's "${text}"`, () => assert.equal(decodeHuffman(hex(bytes), 0, hex(bytes).length), text));
}

for (const [what, bytes] of [
  ["the code of the end", "3fff ffff ff"],
  ["padding of a whole byte", "1fff ff"],
  ["padding by zeros", "18"],
] as const) {
  test(`decodeHuffman() refuses ${what}`, () => assert.equal(decodeHuffman(hex(bytes), 0, hex(bytes).length), undefined));
}

test("HeaderDecoder.decode() reads the RFC's requests of one connection", () => {
  const decoder = new HeaderDecoder();
  const common = [":method=GET", ":scheme=http", ":path=/", ":authority=www.example.com"];
  assert.deepEqual(brief(decoder, "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff"), common);
  assert.deepEqual(brief(decoder, "8286 84be 5886 a8eb 1064 9cbf"), [...common, "cache-control=no-cache"]);
  assert.deepEqual(brief(decoder, "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf"), [
    ...[":method=GET", ":scheme=https", ":path=/index.html", ":authority=www.example.com"],
    "custom-key=custom-value",
  ]);
});

test("HeaderDecoder.decode() forgets what the table has no room for", () => {
  const decoder = new HeaderDecoder();
  assert.deepEqual(brief(decoder, "3f45 4001 6101 62 4001 6301 64"), ["a=b", "c=d"], "a table of 100 bytes, two entries");
  assert.deepEqual(brief(decoder, "be bf"), ["c=d", "a=b"]);
  assert.deepEqual(brief(decoder, "4001 6501 66"), ["e=f"]);
  assert.throws(() => brief(decoder, "c0"), /not in the table/, "34 bytes each, so two fit");
});

test("HeaderDecoder.decode() gives nothing of a block above the limit, but keeps what it put into the table", () => {
  const decoder = new HeaderDecoder();
  assert.equal(decoder.decode(hex("4001 6101 62"), 33), undefined);
  assert.deepEqual(brief(decoder, "be"), ["a=b"]);
});

for (const [what, block] of [
  ["an index of nothing", "80"],
  ["an index above the table", "be"],
  ["a string that is cut off", "4003 6162"],
  ["a number without an end", "ffff ffff ffff ff"],
  ["a table that is too large", "3fe2 1f"],
  ["a table's size after a header", "82 20"],
] as const) {
  test(`HeaderDecoder.decode() refuses ${what}`, () => assert.throws(() => new HeaderDecoder().decode(hex(block), LIMIT), { code: 9 }));
}
