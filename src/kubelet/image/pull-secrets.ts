import type { Secret } from "#api/core-v1/types.ts";
import type { RegistryAuth } from "#kubelet/cri/types.ts";

import type { ImageName } from "#lib/image-name.ts";

interface DockerConfigEntry {
  readonly username?: string;
  readonly password?: string;
  readonly auth?: string;
  readonly identitytoken?: string;
  readonly registrytoken?: string;
}

/** Credentials for an image's registry from imagePullSecrets; the entry with the longest matching path comes first. */
export function registryAuths(secrets: readonly Secret[], { registry, repository }: ImageName): RegistryAuth[] {
  const image = `${registry}/${repository}`;
  const matching = secrets.flatMap((secret) => entriesOf(secret)).filter(([key]) => matches(plainKey(key), image));
  return matching.sort(([a], [b]) => b.length - a.length).map(([key, entry]) => authOf(key, entry));
}

function entriesOf({ type, data = {} }: Secret): [string, DockerConfigEntry][] {
  const newer = type === "kubernetes.io/dockerconfigjson" ? parsed(data[".dockerconfigjson"])["auths"] : undefined;
  const older = type === "kubernetes.io/dockercfg" ? parsed(data[".dockercfg"]) : undefined;
  return Object.entries((newer ?? older ?? {}) as Record<string, DockerConfigEntry>);
}

function parsed(base64 = ""): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(base64, "base64").toString()) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** `https://index.docker.io/v1/` means `docker.io`. */
function plainKey(key: string): string {
  const bare = key.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  return bare.replace(/\/v[12]$/, "").replace(/^index\.docker\.io/, "docker.io");
}

function matches(key: string, image: string): boolean {
  const pattern = key.split("/").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", "[^./]*"));
  return new RegExp(`^${pattern.join("/")}(?:/|$)`).test(image);
}

function authOf(serverAddress: string, { username, password, auth, identitytoken, registrytoken }: DockerConfigEntry): RegistryAuth {
  const [user = "", ...secret] = Buffer.from(auth ?? "", "base64")
    .toString()
    .split(":");
  return {
    serverAddress,
    username: username ?? user,
    password: password ?? secret.join(":"),
    ...(identitytoken !== undefined && { identityToken: identitytoken }),
    ...(registrytoken !== undefined && { registryToken: registrytoken }),
  };
}
