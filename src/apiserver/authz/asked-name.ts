/** The one name that a request is for, where there is one: its own, or for a list or watch, the one that it is limited to. */
export function askedName(verb: string, name: string, fieldSelector: string): string {
  return name !== "" || fieldSelector === "" || verb === "deletecollection" ? name : selectedName(fieldSelector);
}

/** The name that a field selector asks for alone: authorization sees such a list as one of that name. */
export function selectedName(fieldSelector: string): string {
  if (!fieldSelector.includes("metadata.name")) return "";
  for (const part of fieldSelector.split(",")) {
    const match = /^metadata\.name==?([^=!]+)$/.exec(part);
    if (match !== null) return match[1]!;
  }
  return "";
}
