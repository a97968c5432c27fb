/** `createdAt` is epoch milliseconds. */
export interface User {
  id: string;
  email: string;
  createdAt: number;
}

/** A user whose deletion has begun and not ended. `closedAt` is epoch milliseconds. */
export type ClosedUser = Pick<User, "id" | "email"> & { closedAt: number };

/** Every method throws `store-unavailable` when DynamoDB does not answer in time. */
export interface UserStore {
  /**
   * The user of a normalized e-mail address, made at the first call. Atomic: concurrent first calls get the same
   * user. Idempotent: may be repeated after any failure.
   */
  findOrCreate(email: string): Promise<User>;

  /** The user of a normalized e-mail address, if there is one. */
  find(email: string): Promise<User | undefined>;

  /**
   * Begins the deletion of a user: it is on record until `erase`, and once this has returned the address leads to nobody,
   * or at the next login to a new user. Idempotent; it never touches that new user.
   */
  close(user: Pick<User, "id" | "email">): Promise<ClosedUser>;

  /** Lists all closed users. One of this very moment may not be among them yet. */
  closed(): AsyncGenerator<ClosedUser>;

  /** Forgets a closed user, of whom nothing is stored any more. Idempotent. */
  erase(id: string): Promise<void>;
}
