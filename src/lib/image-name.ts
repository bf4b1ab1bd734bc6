export interface ImageName {
  readonly registry: string;
  readonly repository: string;
  /** With its separator: `:1.2` or `@sha256:…`. */
  readonly suffix: string;
}

const REPOSITORY = /^[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/;
const SUFFIX = /^(?::[\w][\w.-]{0,127})?(?:@[a-z0-9+._-]+:[0-9a-fA-F]{32,})?$/;

/** Splits a reference, with docker's defaults filled in; `undefined` when it is not one. */
export function parseImageName(text: string): ImageName | undefined {
  const at = text.indexOf("@");
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(":");
  const tagged = colon > named.lastIndexOf("/");
  const path = tagged ? named.slice(0, colon) : named;
  const suffix = (tagged ? named.slice(colon) : "") + (at < 0 ? "" : text.slice(at));
  const [first = "", ...rest] = path.split("/");
  const hasRegistry = rest.length > 0 && (first.includes(".") || first.includes(":") || first === "localhost");
  const registry = hasRegistry ? first : "docker.io";
  const bare = hasRegistry ? rest.join("/") : path;
  const repository = !hasRegistry && rest.length === 0 ? `library/${bare}` : bare;
  if (!REPOSITORY.test(repository) || !SUFFIX.test(suffix)) return undefined;
  return { registry, repository, suffix: suffix === "" ? ":latest" : suffix };
}

/** The full form of a reference, as containerd names the image. */
export function fullImageName({ registry, repository, suffix }: ImageName): string {
  return `${registry}/${repository}${suffix}`;
}
