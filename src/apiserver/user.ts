/** Who asks: what authentication found, or what impersonation put in its place. */
export interface UserInfo {
  readonly name: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

export const SYSTEM_MASTERS = "system:masters";
export const AUTHENTICATED = "system:authenticated";
export const UNAUTHENTICATED = "system:unauthenticated";

/** The server's own components. */
export const LOOPBACK_USER: UserInfo = { name: "system:apiserver", uid: "", groups: [SYSTEM_MASTERS, AUTHENTICATED], extra: {} };

export const ANONYMOUS: UserInfo = { name: "system:anonymous", uid: "", groups: [UNAUTHENTICATED], extra: {} };
