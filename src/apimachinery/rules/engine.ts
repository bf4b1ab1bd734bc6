/** All that compiles and checks rules: loaded, with the whole language, when the first rule is met. See `load.ts`. */
export { compileRules } from "./compile-rules.ts";
export { declaredType } from "./declared-type.ts";
export { escapeName } from "./escape.ts";
export { ruleTree } from "./rule-tree.ts";
export { validateRules } from "./validate-rules.ts";
