/** `createdAt` is epoch milliseconds. */
export interface User {
  id: string;
  email: string;
  createdAt: number;
}

export interface UserStore {
  /**
   * The user of a normalized e-mail address, made at the first call. Atomic: concurrent first calls get the same
   * user. Idempotent: may be repeated after any failure. Throws `store-unavailable`.
   */
  findOrCreate(email: string): Promise<User>;

  /** Forgets the user of an address; at the next login there is a new one. Idempotent. Throws `store-unavailable`. */
  remove(email: string): Promise<void>;
}
