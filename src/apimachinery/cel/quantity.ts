import {
  addQuantities,
  compareQuantities,
  formatQuantity,
  isQuantity,
  parseQuantity,
  type Quantity,
  QuantityError,
  quantityOf,
  signOf,
  toNumber,
} from "#apimachinery/quantity.ts";
import { declare, type FunctionDeclaration, member, overload } from "#lib/cel/declarations.ts";
import { BOOL, DOUBLE, INT, STRING, structType } from "#lib/cel/types.ts";
import { Failure, MAX_INT, MIN_INT, NO_SUCH_OVERLOAD, type OpaqueValue, type Value } from "#lib/cel/values.ts";
import { Held, method, ofText } from "./opaque.ts";

export const QUANTITY = structType("kubernetes.Quantity");

class QuantityValue extends Held<Quantity> {
  override readonly type = QUANTITY;

  override equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && compareQuantities(this.held, other.held) === 0;
  }

  override toString(): string {
    return formatQuantity(this.held);
  }
}

export const QUANTITY_FUNCTIONS: readonly FunctionDeclaration[] = [
  declare("quantity", [overload("string_to_quantity", [STRING], QUANTITY, ofText(toQuantity))]),
  declare("isQuantity", [overload("is_quantity_string", [STRING], BOOL, ofText(isQuantity))]),
  declare("sign", [
    overload(
      "quantity_sign",
      [QUANTITY],
      INT,
      method(QuantityValue, (held) => BigInt(signOf(held))),
    ),
  ]),
  comparison("isGreaterThan", "quantity_is_greater_than", (order) => order > 0),
  comparison("isLessThan", "quantity_is_less_than", (order) => order < 0),
  comparison("compareTo", "quantity_compare_to", (order) => BigInt(Math.sign(order))),
  declare("asApproximateFloat", [member("quantity_get_float", [QUANTITY], DOUBLE, method(QuantityValue, toNumber))]),
  declare("asInteger", [
    member(
      "quantity_get_int",
      [QUANTITY],
      INT,
      method(QuantityValue, (held) => toInteger(held) ?? new Failure("cannot convert value to integer")),
    ),
  ]),
  declare("isInteger", [
    member(
      "quantity_is_integer",
      [QUANTITY],
      BOOL,
      method(QuantityValue, (held) => toInteger(held) !== undefined),
    ),
  ]),
  sum("add", (a, b) => addQuantities(a, b)),
  sum("sub", (a, b) => addQuantities(a, { ...b, digits: -b.digits, text: undefined })),
];

function toQuantity(text: string): Value {
  try {
    return new QuantityValue(parseQuantity(text));
  } catch (error) {
    if (!(error instanceof QuantityError)) throw error;
    return new Failure(error.message);
  }
}

/** A quantity with a fraction is no integer, also where the fraction is zero. */
function toInteger({ digits, exponent }: Quantity): bigint | undefined {
  if (exponent < 0) return undefined;
  const value = digits * 10n ** BigInt(exponent);
  return value > MAX_INT || value < MIN_INT ? undefined : value;
}

function comparison(name: string, id: string, read: (order: number) => Value): FunctionDeclaration {
  const run = method(QuantityValue, (held, other) => (other instanceof QuantityValue ? read(compareQuantities(held, other.held)) : NO_SUCH_OVERLOAD));
  return declare(name, [member(id, [QUANTITY, QUANTITY], name === "compareTo" ? INT : BOOL, run)]);
}

function sum(name: string, compute: (a: Quantity, b: Quantity) => Quantity): FunctionDeclaration {
  const run = method(QuantityValue, (held, other) => {
    if (other instanceof QuantityValue) return new QuantityValue(compute(held, other.held));
    return typeof other === "bigint" ? new QuantityValue(compute(held, quantityOf(other, "DecimalExponent"))) : NO_SUCH_OVERLOAD;
  });
  return declare(name, [member(`quantity_${name}`, [QUANTITY, QUANTITY], QUANTITY, run), member(`quantity_${name}_int`, [QUANTITY, INT], QUANTITY, run)]);
}
