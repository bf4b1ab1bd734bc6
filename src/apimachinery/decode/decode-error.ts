/** A body that cannot be decoded; the message is upstream's. */
export class DecodeError extends Error {
  override readonly name = "DecodeError";
}
