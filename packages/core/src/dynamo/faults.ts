/** Meaning of a failed request to DynamoDB: what is known of its outcome, whether it may be sent again, and who is told. */
import { NOT_SENT } from "../connections.ts";
import { type StoreFault, TenureError } from "../errors.ts";

/** Names of errors that stay until an operator changes something. */
const PERMANENT =
  /^(?:AccessDenied\w*|UnrecognizedClient\w*|InvalidClientTokenId|InvalidSignature\w*|ExpiredToken\w*|MissingAuthenticationToken\w*|IncompleteSignature\w*|NotAuthorized|OptInRequired|ResourceNotFoundException|KMS\w*|CredentialsProviderError)$/;

/** DynamoDB's words for a request that its table has no index for, or other keys. */
const OTHER_TABLE = /specified index|match the schema|Missing the key/;

function isPermanent({ name, message }: Error): boolean {
  return PERMANENT.test(name) || (name === "ValidationException" && OTHER_TABLE.test(message));
}

/** Undefined for what is an answer, or a bug of the caller's. */
export function faultOf(error: unknown): Omit<StoreFault, "operation"> | undefined {
  if (!(error instanceof Error) || error instanceof TenureError || isConditionFailed(error)) return undefined;
  if (isPermanent(error)) {
    const code = error.name === "ValidationException" && "no such index, or other keys";
    return { error: error.name, ...(code && { code }), isPermanent: true };
  }
  if (error.name === "ValidationException") return undefined;
  const { code, $metadata } = error as { code?: string; $metadata?: { httpStatusCode?: number } };
  const said = code ?? $metadata?.httpStatusCode;
  return { error: error.name, ...(said !== undefined && { code: String(said) }), isPermanent: false };
}

/** Awaits a request and turns what a client throws into a fault. */
export async function attempt<T>(request: Promise<T>): Promise<T> {
  try {
    return await request;
  } catch (error) {
    throw asFault(error);
  }
}

export const isConditionFailed = (error: unknown): boolean =>
  error instanceof Error && error.name === "ConditionalCheckFailedException";

/** True for an update that was refused because it would make its item larger than 400 KB. */
export const isItemTooLarge = (error: unknown): boolean =>
  error instanceof Error && error.name === "ValidationException" && error.message.includes("Item size");

/** True when the same request may be answered if it is sent again in a moment. */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { $metadata, $retryable } = error as { $metadata?: { httpStatusCode?: number }; $retryable?: unknown };
  return PASSING.test(error.name) || $retryable !== undefined || ($metadata?.httpStatusCode ?? 0) >= 500;
}

const PASSING =
  /^(Throttling.*|ProvisionedThroughput.*|RequestLimitExceeded|InternalServerError|ServiceUnavailable.*|TimeoutError|ECONNRESET|EPIPE|ETIMEDOUT)$/;

/** Refused before anything was done: these are answers of DynamoDB, or no connection could be made. */
const NOT_APPLIED =
  /^(ResourceNotFoundException|AccessDenied.*|Unrecognized.*|InvalidSignature.*|ExpiredToken.*|ValidationException|Throttling.*|ProvisionedThroughput.*|RequestLimitExceeded|ConditionalCheckFailedException|ItemCollection.*|CredentialsProviderError)$/;

/** Refusals for the size of what was sent. */
const TOO_LARGE = /size|bytes|nesting/i;

/**
 * A failed condition is an answer, what is too large for an item or a key is the caller's, and any other request that
 * DynamoDB finds invalid is a bug: none is a fault.
 */
export function asFault(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof TenureError || isConditionFailed(error)) return error;
  if (isPermanent(error))
    return new TenureError(
      { tag: "store-unavailable", store: "dynamodb", outcome: outcomeOf(error), why: "refused" },
      { cause: error },
    );
  if (error.name === "ValidationException") {
    if (!TOO_LARGE.test(error.message)) return error;
    const issue =
      "A name or a value is larger than the database takes: 400 KB in one record, and 1,024 bytes in a name";
    return new TenureError({ tag: "invalid-input", issues: [issue] }, { cause: error });
  }
  return new TenureError({ tag: "store-unavailable", store: "dynamodb", outcome: outcomeOf(error) }, { cause: error });
}

/** Errors of requests of which an earlier attempt may have been carried out. */
const mayHaveLanded = new WeakSet<Error>();

/** Notes of an error that the request may have been carried out all the same, by this attempt or an earlier one. */
export const landedPerhaps = (error: Error): void => void mayHaveLanded.add(error);

/** Returns what is known of the outcome of a request that failed. */
export function outcomeOf(error: unknown): "not-applied" | "unknown" {
  if (mayHaveLanded.has(error as Error)) return "unknown";
  const { name = "", code } = error as { name?: string; code?: string };
  return NOT_APPLIED.test(name) || code === "ECONNREFUSED" || code === NOT_SENT ? "not-applied" : "unknown";
}
