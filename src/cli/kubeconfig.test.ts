import assert from "node:assert/strict";
import { test } from "node:test";
import { parseDocument } from "yaml";
import { applyEdit, type ConfigFile, type Edit, mergeEdits, removalEdits, renewalEdits, type Stanzas } from "./kubeconfig.ts";

const stanzas: Stanzas = { name: "skiff", server: "https://127.0.0.1:6443", ca: "CA", certificate: "CERT", key: "KEY" };
const OTHER = `# mine
apiVersion: v1
kind: Config
clusters:
- name: prod
  cluster: {server: "https://prod", x-mine: kept}
contexts:
- name: prod
  context: {cluster: prod, user: prod}
current-context: prod
users: []
`;

const file = (path: string, text?: string): ConfigFile => ({ path, document: text === undefined ? undefined : parseDocument(text) });
const places = (edits: readonly Edit[]) => edits.map(({ path, section }) => `${path} ${section}`);
const texts = (files: readonly ConfigFile[], edits: readonly Edit[]) =>
  files.map(({ path, document }) => {
    for (const edit of edits) if (edit.path === path && document !== undefined) applyEdit(document, edit);
    return document?.toString({ lineWidth: 0 }) ?? "";
  });

test("mergeEdits() puts new stanzas into the first file that exists", () => {
  const edits = mergeEdits([file("a"), file("b", OTHER), file("c", "{}")], stanzas, true);
  assert.deepEqual(places(edits), ["b clusters", "b users", "b contexts", "b current-context"]);
});

test("mergeEdits() creates the last file when none exists", () => {
  assert.deepEqual(places(mergeEdits([file("a"), file("b")], stanzas, true)), ["b clusters", "b users", "b contexts", "b current-context"]);
});

test("mergeEdits() changes a stanza in the file that holds it", () => {
  const edits = mergeEdits([file("a", OTHER), file("b", "users: [{name: skiff, user: {token: old}}]")], stanzas, true);
  assert.deepEqual(places(edits), ["a clusters", "b users", "a contexts", "a current-context"]);
});

test("mergeEdits() leaves another current context when it is told to", () => {
  assert.deepEqual(places(mergeEdits([file("a", OTHER)], stanzas, false)), ["a clusters", "a users", "a contexts"]);
});

test("renewalEdits() changes what knows the cluster, on a restart its address too, and never the context", () => {
  const files = [file("a", OTHER), file("b", texts([file("b", OTHER)], mergeEdits([file("b", OTHER)], stanzas, true))[0]), file("c")];
  assert.deepEqual(places(renewalEdits(files, stanzas)), ["b users"]);
  assert.deepEqual(places(renewalEdits(files, stanzas, ["clusters", "users"])), ["b clusters", "b users"]);
});

test("applyEdit() keeps comments, strangers and unknown fields", () => {
  const files = [file("a", OTHER)];
  const [text = ""] = texts(files, mergeEdits(files, stanzas, true));
  assert.match(text, /^# mine/);
  assert.match(text, /x-mine: kept/);
  const config = parseDocument(text).toJS() as { clusters: { name: string; cluster: object }[]; "current-context": string };
  assert.deepEqual(config.clusters[1], { name: "skiff", cluster: { server: "https://127.0.0.1:6443", "certificate-authority-data": "Q0E=" } });
  assert.equal(config["current-context"], "skiff");
});

test("mergeEdits() a second time changes nothing", () => {
  const files = [file("a", OTHER)];
  const once = texts(files, mergeEdits(files, stanzas, true));
  assert.deepEqual(texts(files, mergeEdits(files, stanzas, true)), once);
});

test("removalEdits() takes our stanzas alone and restores the context before", () => {
  const files = [file("a", OTHER)];
  texts(files, mergeEdits(files, stanzas, true));
  const [text = ""] = texts(files, removalEdits(files, "skiff", "prod"));
  assert.deepEqual(parseDocument(text).toJS(), parseDocument(OTHER).toJS());
});

test("removalEdits() leaves a context that the user chose since", () => {
  const files = [file("a", OTHER)];
  assert.deepEqual(removalEdits(files, "skiff", "gone"), []);
});
