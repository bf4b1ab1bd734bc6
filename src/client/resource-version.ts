/** Whether resource version `a` is not before `b`; both are decimal numbers of any length, as Kubernetes v1.35 promises. */
export function isAtLeast(a: string, b: string): boolean {
  return a.length === b.length ? a >= b : a.length > b.length;
}
