import { type FunctionDeclaration, functionTable } from "./declarations.ts";
import type { CallEstimate, Estimator } from "./estimate.ts";
import { type Macro, STANDARD_MACROS } from "./macros.ts";
import { TWO_VARIABLE_MACROS } from "./macros-two-variables.ts";
import { MAP_INSERT } from "./map-insert.ts";
import { OPTIONAL_FUNCTIONS } from "./optional-functions.ts";
import type { CallCost } from "./runtime-cost.ts";
import { FUNCTIONS } from "./standard-functions.ts";
import { OPERATORS } from "./standard-operators.ts";
import { BOOL, BYTES, type CelType, DOUBLE, DURATION, DYN, INT, listOf, mapOf, NULL, optionalOf, STRING, TIMESTAMP, TYPE, UINT } from "./types.ts";
import type { Value } from "./values.ts";

/** Types with fields. */
export interface TypeProvider {
  /** Whether there is a type of that name. */
  has(typeName: string): boolean;
  /** The type of a field; undefined where the type has no such field. */
  field(typeName: string, field: string): CelType | undefined;
  /** Makes what `Type{field: value}` stands for; left out where types cannot be written so. */
  create?(typeName: string, fields: ReadonlyMap<string, Value>): Value;
}

/** What an expression may use. */
export interface Environment {
  readonly variables: ReadonlyMap<string, CelType>;
  readonly functions: ReadonlyMap<string, FunctionDeclaration>;
  /** Names that stand for types. */
  readonly types: ReadonlyMap<string, CelType>;
  readonly macros: ReadonlyMap<string, Macro>;
  readonly provider: TypeProvider;
  /** What calls of its functions cost; the language's prices hold for what it does not know. */
  readonly callCost: CallCost | undefined;
  /** The same before they are made. @param sizes what is known of sizes */
  readonly estimateCall: EstimateCall | undefined;
}

export type EstimateCall = (sizes: Pick<Estimator, "size">, ...call: Parameters<NonNullable<Estimator["call"]>>) => CallEstimate | undefined;

const NO_TYPES: TypeProvider = { has: () => false, field: () => undefined };

const TYPES: readonly CelType[] = [BOOL, BYTES, DOUBLE, DURATION, INT, NULL, STRING, TIMESTAMP, TYPE, UINT, listOf(DYN), mapOf(DYN, DYN), optionalOf(DYN)];

/** The language with optional values and two-variable comprehensions, without variables. */
export const STANDARD: Environment = {
  variables: new Map(),
  functions: functionTable(OPERATORS, FUNCTIONS, OPTIONAL_FUNCTIONS, MAP_INSERT),
  types: new Map(TYPES.map((type) => [type.name, type])),
  macros: new Map([...STANDARD_MACROS, ...TWO_VARIABLE_MACROS]),
  provider: NO_TYPES,
  callCost: undefined,
  estimateCall: undefined,
};

export interface Extension {
  readonly variables?: Readonly<Record<string, CelType>>;
  readonly functions?: readonly FunctionDeclaration[];
  readonly types?: readonly CelType[];
  readonly macros?: ReadonlyMap<string, Macro>;
  readonly provider?: TypeProvider;
  readonly callCost?: CallCost;
  readonly estimateCall?: EstimateCall;
}

/** The environment with more in it; the provider takes the place of the one before. */
export function extend(base: Environment, extension: Extension): Environment {
  const { variables = {}, functions = [], types = [], macros } = extension;
  return {
    variables: new Map([...base.variables, ...Object.entries(variables)]),
    functions: functions.length === 0 ? base.functions : functionTable([...base.functions.values()], functions),
    types: types.length === 0 ? base.types : new Map([...base.types, ...types.map((type): [string, CelType] => [type.name, type])]),
    macros: macros === undefined ? base.macros : new Map([...base.macros, ...macros]),
    provider: extension.provider ?? base.provider,
    callCost: extension.callCost ?? base.callCost,
    estimateCall: extension.estimateCall ?? base.estimateCall,
  };
}
