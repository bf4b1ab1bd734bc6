import type * as Engine from "./engine.ts";

export type RuleEngine = typeof Engine;

let engine: RuleEngine | undefined;

/** Has the engine ready. @returns undefined where it is */
export function loadRuleEngine(): Promise<unknown> | undefined {
  return engine === undefined ? import("./engine.ts").then((loaded) => (engine = loaded)) : undefined;
}

/** @throws where `loadRuleEngine` was not waited for */
export function ruleEngine(): RuleEngine {
  if (engine === undefined) throw new Error("rules are looked at before their engine is loaded");
  return engine;
}
