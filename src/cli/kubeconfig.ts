import type { Document } from "yaml";

/** The stanzas of one cluster, embedded data only. */
export interface Stanzas {
  /** Name of cluster, user and context. */
  readonly name: string;
  readonly server: string;
  /** PEM. */
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

/** One file of the list that `$KUBECONFIG` names; undefined: it does not exist. */
export interface ConfigFile {
  readonly path: string;
  readonly document: Document | undefined;
}

/** A change of one file. */
export type Edit =
  | { readonly path: string; readonly section: "clusters" | "users" | "contexts"; readonly name: string; readonly value: object | undefined }
  | { readonly path: string; readonly section: "current-context"; readonly value: string };

const SECTIONS = ["clusters", "users", "contexts"] as const;

/**
 * What makes the files know the cluster: a stanza that exists is changed where it stands, a new one goes to the first
 * file that exists, and if there is none, to the last of the list.
 *
 * @param switchContext also make ours the current context; otherwise only where there is none
 * @see k8s.io/client-go tools/clientcmd/config.go
 */
export function mergeEdits(files: readonly ConfigFile[], stanzas: Stanzas, switchContext: boolean): readonly Edit[] {
  const values = stanzaValues(stanzas);
  const target = files.find(({ document }) => document !== undefined) ?? files.at(-1);
  if (target === undefined) return [];
  const edits: Edit[] = SECTIONS.map((section) => {
    const holder = files.find(({ document }) => document !== undefined && findEntry(document, section, stanzas.name) !== undefined) ?? target;
    return { path: holder.path, section, name: stanzas.name, value: values[section] };
  });
  const current = currentContext(files);
  if (current?.value === stanzas.name || (current !== undefined && !switchContext)) return edits;
  return [...edits, { path: current?.path ?? target.path, section: "current-context", value: stanzas.name }];
}

export type RenewedSection = "clusters" | "users";

/** What gives those files the new certificate, or the server's new address, that have an older one of the cluster. */
export function renewalEdits(files: readonly ConfigFile[], stanzas: Stanzas, sections: readonly RenewedSection[] = ["users"]): readonly Edit[] {
  const { name } = stanzas;
  const values = stanzaValues(stanzas);
  return sections.flatMap((section) => {
    const holders = files.filter(({ document }) => document !== undefined && findEntry(document, section, name) !== undefined);
    return holders.map(({ path }): Edit => ({ path, section, name, value: values[section] }));
  });
}

/** What makes the files forget the cluster; `previous` becomes the current context again if ours was it. */
export function removalEdits(files: readonly ConfigFile[], name: string, previous: string): readonly Edit[] {
  const edits: Edit[] = files.flatMap(({ path, document }) =>
    SECTIONS.flatMap((section) =>
      document !== undefined && findEntry(document, section, name) !== undefined ? [{ path, section, name, value: undefined }] : [],
    ),
  );
  const known = files.some(({ document }) => document !== undefined && findEntry(document, "contexts", previous) !== undefined);
  const current = files.filter(({ document }) => document?.get("current-context") === name);
  return [...edits, ...current.map(({ path }): Edit => ({ path, section: "current-context", value: known ? previous : "" }))];
}

/** The first that is not empty counts. */
export function currentContext(files: readonly ConfigFile[]): { readonly path: string; readonly value: string } | undefined {
  for (const { path, document } of files) {
    const value = document?.get("current-context");
    if (typeof value === "string" && value !== "") return { path, value };
  }
  return undefined;
}

/** Carries an edit out in the file's document, in place; comments and unknown fields stay. */
export function applyEdit(document: Document, edit: Edit): void {
  if (edit.section === "current-context") {
    document.set("current-context", edit.value);
    return;
  }
  const index = findEntry(document, edit.section, edit.name);
  if (edit.value === undefined) {
    if (index !== undefined) document.deleteIn([edit.section, index]);
    return;
  }
  const list = toPlain(document)[edit.section];
  // An empty list is often written as []; what is added to that would stand on one line.
  if (!Array.isArray(list) || list.length === 0) document.set(edit.section, document.createNode([]));
  if (index === undefined) document.addIn([edit.section], document.createNode(edit.value));
  else document.setIn([edit.section, index], document.createNode(edit.value));
}

/** What a new file holds before the first stanza. */
export const EMPTY_CONFIG = { apiVersion: "v1", kind: "Config", preferences: {}, clusters: [], users: [], contexts: [], "current-context": "" };

function stanzaValues({ name, server, ca, certificate, key }: Stanzas) {
  const base64 = (pem: string) => Buffer.from(pem).toString("base64");
  return {
    clusters: { name, cluster: { server, "certificate-authority-data": base64(ca) } },
    users: { name, user: { "client-certificate-data": base64(certificate), "client-key-data": base64(key) } },
    contexts: { name, context: { cluster: name, user: name } },
  };
}

function findEntry(document: Document, section: string, name: string): number | undefined {
  const list = toPlain(document)[section];
  if (!Array.isArray(list)) return undefined;
  const index = list.findIndex((entry) => (entry as { name?: unknown } | null)?.name === name);
  return index < 0 ? undefined : index;
}

function toPlain(document: Document): Record<string, unknown> {
  return (document.toJS() ?? {}) as Record<string, unknown>;
}
