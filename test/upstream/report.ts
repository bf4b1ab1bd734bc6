import { readFileSync } from "node:fs";

export interface TestResult {
  readonly name: string;
  readonly state: "passed" | "failed" | "skipped";
  /** Of a failure: upstream's words. */
  readonly message: string;
}

interface SpecReport {
  readonly ContainerHierarchyTexts: readonly string[] | null;
  readonly LeafNodeType: string;
  readonly LeafNodeText: string;
  readonly State: string;
  readonly Failure?: { readonly Message: string };
}

/** The tests that ran, of a report of ginkgo's in JSON. */
export function readReport(file: string): TestResult[] {
  const suites = JSON.parse(readFileSync(file, "utf8")) as readonly { readonly SpecReports: readonly SpecReport[] | null }[];
  const specs = suites.flatMap(({ SpecReports }) => SpecReports ?? []).filter((spec) => spec.LeafNodeType === "It" && wasChosen(spec));
  return specs.map(({ ContainerHierarchyTexts, LeafNodeText, State, Failure }) => ({
    name: [...(ContainerHierarchyTexts ?? []), LeafNodeText].join(" "),
    state: State === "passed" ? "passed" : State === "skipped" ? "skipped" : "failed",
    message: Failure?.Message ?? "",
  }));
}

/** Those that the pattern leaves out are skipped too, but give no reason. */
function wasChosen({ State, Failure }: SpecReport): boolean {
  return State !== "pending" && (State !== "skipped" || Failure !== undefined);
}

/**
 * What a run comes to.
 *
 * @param known names of tests that fail, each with the reason
 */
export function tell(results: readonly TestResult[], known: Readonly<Record<string, string>>): { readonly text: string; readonly isGood: boolean } {
  const failed = results.filter(({ state }) => state === "failed");
  const passed = results.filter(({ state }) => state === "passed");
  const lines = failed.map(({ name, message }) => `failed: ${name}\n    ${known[name] === undefined ? message.split("\n", 1)[0] : `known: ${known[name]}`}`);
  const mended = passed.filter(({ name }) => Object.hasOwn(known, name)).map(({ name }) => `passed, though known to fail: ${name}`);
  const text = [...lines, ...mended, `${passed.length} passed, ${failed.length} failed`].join("\n");
  return { text: `${text}\n`, isGood: results.length > 0 && failed.every(({ name }) => Object.hasOwn(known, name)) };
}
