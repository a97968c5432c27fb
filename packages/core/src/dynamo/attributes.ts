/**
 * Values as DynamoDB's wire has them (`{"S": "…"}`), and back. They are those of `@aws-sdk/util-dynamodb` with undefined values
 * removed, with bytes already in base64: test/conformance/clients compares the two. Bytes that are read are a `Uint8Array` with
 * memory of its own, so that a few of them do not keep a whole slab of Node's pool.
 */

export type Attribute = Record<string, unknown>;

/** Throws for what DynamoDB has no type for, with the type's name and never the value. */
function toAttribute(value: unknown): Attribute {
  switch (typeof value) {
    case "string":
      return { S: value };
    case "number":
      return { N: numberText(value) };
    case "boolean":
      return { BOOL: value };
    case "bigint":
      return { N: String(value) };
    case "object":
      return value === null ? { NULL: true } : ofObject(value);
    default:
      throw new TypeError(`DynamoDB has no type for a ${typeof value}`);
  }
}

function ofObject(value: object): Attribute {
  if (Array.isArray(value)) return { L: value.filter(isPresent).map(toAttribute) };
  if (value instanceof Uint8Array) return { B: base64(value) };
  if (value instanceof Set) return ofSet(new Set([...value].filter(isPresent)));
  if (value instanceof Map) return { M: toAttributes(Object.fromEntries(value)) };
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === null || (value.constructor as { name?: string } | undefined)?.name === "Object")
    return { M: toAttributes(value as Record<string, unknown>) };
  throw new TypeError(`DynamoDB has no type for a ${(value.constructor as { name?: string } | undefined)?.name}`);
}

/** A record's values, without those that are undefined. */
export function toAttributes(record: Record<string, unknown>): Record<string, Attribute> {
  const attributes: Record<string, Attribute> = {};
  for (const [name, value] of Object.entries(record))
    if (isPresent(value)) setOwn(attributes, name, toAttribute(value));
  return attributes;
}

function ofSet(set: Set<unknown>): Attribute {
  const all = [...set];
  const [first] = all;
  if (typeof first === "string") return { SS: all };
  if (typeof first === "number") return { NS: all.map((one) => numberText(one as number)) };
  if (typeof first === "bigint") return { NS: all.map(String) };
  if (first instanceof Uint8Array) return { BS: all.map((one) => base64(one as Uint8Array)) };
  throw new TypeError("DynamoDB has sets of texts, numbers and bytes, and none that is empty");
}

/** Returns the value of an attribute. Throws for a type that is not DynamoDB's. */
function fromAttribute(attribute: Attribute): unknown {
  for (const type in attribute) {
    const value = attribute[type];
    switch (type) {
      case "S":
        return value;
      case "N":
        return numberOf(value as string);
      case "B":
        return bytesOf(value as string);
      case "BOOL":
        return value === true;
      case "NULL":
        return null;
      case "M":
        return fromAttributes(value as Record<string, Attribute>);
      case "L":
        return (value as Attribute[]).map(fromAttribute);
      case "SS":
        return new Set(value as string[]);
      case "NS":
        return new Set((value as string[]).map(numberOf));
      case "BS":
        return new Set((value as string[]).map(bytesOf));
    }
  }
  throw new TypeError("an attribute of DynamoDB has no known type");
}

export function fromAttributes(attributes: Record<string, Attribute>): Record<string, unknown> {
  const record: Record<string, unknown> = {};
  for (const name in attributes) setOwn(record, name, fromAttribute(attributes[name] as Attribute));
  return record;
}

const isPresent = (value: unknown): boolean => value !== undefined && typeof value !== "function";

/** Assigned, a name like __proto__ would be none. */
function setOwn(record: Record<string, unknown>, name: string, value: unknown): void {
  if (name === "__proto__")
    Object.defineProperty(record, name, { value, enumerable: true, writable: true, configurable: true });
  else record[name] = value;
}

function numberText(value: number): string {
  if (!Number.isFinite(value)) throw new TypeError(`DynamoDB has no number ${value}`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER) throw new TypeError("a number beyond 2^53 would lose digits");
  return String(value);
}

/** A whole number that JavaScript's cannot hold is a bigint. */
function numberOf(text: string): number | bigint {
  const value = Number(text);
  return Number.isFinite(value) && Math.abs(value) > Number.MAX_SAFE_INTEGER ? BigInt(text) : value;
}

const base64 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString("base64");

const bytesOf = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
