import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { ALL_KINDS } from "#api/resources.ts";
import { encodeProtobufObject, protobufObject } from "#api/schema/protobuf-object.ts";
import { kindSchema } from "#api/schema/table.ts";
import { DecodeError, decodeObject } from "#apimachinery/decode/decode.ts";
import { ProtobufError } from "#apimachinery/protobuf/object-decoder.ts";
import { seededRng } from "#lib/rng.ts";

import { randomObject } from "../random-object.ts";

interface Vector {
  readonly object: { readonly apiVersion: string; readonly kind: string };
  readonly protobuf: string;
}

/** Random objects of every kind with what upstream's own code makes of them; `oracle/` has made them. */
const VECTORS = gunzipSync(readFileSync(new URL("./vectors.jsonl.gz", import.meta.url)))
  .toString()
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Vector);

/** As a body in protobuf is read, with all that a decoder adds and drops. */
function decoded(bytes: Uint8Array): object {
  const { schema, value } = protobufObject(bytes);
  return decodeObject(schema, value).object;
}

test("encodeProtobufObject() writes byte for byte what upstream writes", () => {
  for (const { object, protobuf } of VECTORS) {
    assert.equal(encodeProtobufObject(object).toString("base64"), protobuf, `${object.apiVersion} ${object.kind} ${JSON.stringify(object)}`);
  }
});

test("protobufObject() reads what upstream writes, and loses nothing", () => {
  for (const { object, protobuf } of VECTORS) {
    assert.equal(encodeProtobufObject(decoded(Buffer.from(protobuf, "base64"))).toString("base64"), protobuf, JSON.stringify(object));
  }
});

test("the vectors are of every kind that clients know", () => {
  const known = new Set(VECTORS.map(({ object: { apiVersion, kind } }) => `${apiVersion} ${kind}`));
  const missing = ALL_KINDS.filter(({ group, version, kind }) => !known.has(`${group === "" ? version : `${group}/${version}`} ${kind}`));
  assert.deepEqual(
    missing.map(({ group }) => group).filter((group) => group !== "metrics.k8s.io"),
    [],
  );
});

test("an object of any kind comes back from protobuf as it was", () => {
  const rng = seededRng(20);
  for (const info of ALL_KINDS) {
    const schema = kindSchema(info.group, info.version, info.kind)!;
    for (let i = 0; i < 20; i++) {
      let object: object;
      try {
        object = decodeObject(schema, randomObject(info, rng, 0)).object;
      } catch (error) {
        assert.ok(error instanceof DecodeError);
        continue;
      }
      const bytes = encodeProtobufObject(object);
      // Protobuf has no empty lists, and no difference between a null and nothing.
      assert.deepEqual(withoutEmpties(decoded(bytes)), withoutEmpties(object), `${info.kind} ${JSON.stringify(object)}`);
      assert.deepEqual(encodeProtobufObject(decoded(bytes)), bytes);
    }
  }
});

test("protobufObject() refuses bytes that were damaged, or reads something else, but never fails otherwise", () => {
  const rng = seededRng(21);
  for (const { protobuf } of VECTORS) {
    const bytes = Buffer.from(protobuf, "base64");
    for (let i = 0; i < 5; i++) {
      const damaged = Buffer.from(rng() < 0.5 ? bytes.subarray(0, Math.floor(rng() * bytes.length)) : bytes);
      for (let n = 0; n < 3 && damaged.length > 0; n++) damaged[Math.floor(rng() * damaged.length)] = Math.floor(rng() * 256);
      try {
        protobufObject(damaged);
      } catch (error) {
        assert.ok(error instanceof ProtobufError, String(error));
      }
    }
  }
});

/** Nor has it the kinds of objects within objects. */
function withoutEmpties(value: unknown, isTop = true): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutEmpties(each, false));
  if (typeof value !== "object" || value === null) return value;
  const members = Object.entries(value).filter(([name, inner]) => isTop || !["kind", "apiVersion"].includes(name) || typeof inner !== "string");
  const kept = members.map(([name, inner]) => [name, withoutEmpties(inner, false)] as const);
  return Object.fromEntries(kept.filter(([, inner]) => inner !== null && inner !== undefined && !isEmpty(inner)));
}

const isEmpty = (value: unknown) => typeof value === "object" && value !== null && Object.keys(value).length === 0;
