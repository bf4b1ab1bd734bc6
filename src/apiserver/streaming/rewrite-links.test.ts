import assert from "node:assert/strict";
import { test } from "node:test";

import { rewrittenHtml, rewrittenUrl } from "./rewrite-links.ts";

const page = { prefix: "/api/v1/namespaces/a/pods/p/proxy", backend: "10.0.0.7:80", host: "api:6443" };
const P = page.prefix;

for (const [given, want] of [
  ["/x", `${P}/x`],
  ["/x/?a=/b#c", `${P}/x/?a=/b#c`],
  ["/", `${P}/`],
  ["//10.0.0.7:80/x", `${P}/x`],
  ["http://10.0.0.7:80/x/../y/", `${P}/y/`],
  ["https://api:6443/x", `https://api:6443${P}/x`],
  [`${P}/x`, `${P}/x`],
  ["http://elsewhere/x", "http://elsewhere/x"],
  ["x/y", "x/y"],
  ["", ""],
  ["#top", "#top"],
  ["mailto:a@b", "mailto:a@b"],
  ["javascript:go('/x')", "javascript:go('/x')"],
] as const) {
  test(`rewrittenUrl() makes ${JSON.stringify(want)} of ${JSON.stringify(given)}`, () => assert.equal(rewrittenUrl(given, page), want));
}

for (const [given, want] of [
  ['<a href="/x">/x</a>', `<a href="${P}/x">/x</a>`],
  ["<A class=b HREF='/x?a=1&amp;b=2' data-x='/y'>", `<A class=b HREF="${P}/x?a=1&amp;b=2" data-x='/y'>`],
  ["<img src=/x.png alt=y><p title=/x>", `<img src="${P}/x.png" alt=y><p title=/x>`],
  ['<img alt="a > b" src="/x"/>', `<img alt="a > b" src="${P}/x"/>`],
  ['<!-- <a href="/x"> --><a href="z">', '<!-- <a href="/x"> --><a href="z">'],
  ['<script src="/s.js">if (a<b) "<a href=\'/x\'>"</script><a href="/x">', `<script src="${P}/s.js">if (a<b) "<a href='/x'>"</script><a href="${P}/x">`],
  ['<script>"<a href=/x>"', '<script>"<a href=/x>"'],
  ["a < b <a href='/x'", "a < b <a href='/x'"],
  ['<a href="/&#34;&lt;">', `<a href="${P}/&#34;&lt;">`],
] as const) {
  test(`rewrittenHtml() makes ${want} of ${given}`, () => assert.equal(rewrittenHtml(given, page), want));
}

test("rewrittenHtml() is quick on what never ends", () => {
  for (const text of ["<a ".repeat(20_000), '<a href="'.repeat(20_000), "<!--".repeat(20_000), "<script>".repeat(20_000)]) rewrittenHtml(text, page);
});
