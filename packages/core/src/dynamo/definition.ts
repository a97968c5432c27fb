/**
 * The one table of Tenure, as data: the local stack, the tests and the infrastructure all build it from here.
 * The items in it are described in docs/storage-format.md.
 */
export const tableDefinition = {
  /** Both keys are strings. */
  hashKey: "pk",
  rangeKey: "sk",
  /**
   * DynamoDB deletes an item some time after this attribute, in epoch seconds; until then the item stays
   * readable, so every reader checks it. Source:
   * https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/TTL.html
   */
  ttlAttribute: "expiresAt",
  billingMode: "PAY_PER_REQUEST",
  /**
   * Items that are looked for by something else than their key have these two, both strings; the index holds no others.
   * It carries all attributes.
   */
  index: { name: "index", hashKey: "ipk", rangeKey: "isk" },
} as const;
