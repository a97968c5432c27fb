import { type DamagedSession, isDamaged, type Session } from "@tenure/core/session";

/** A session of a list whose records are as they were written. */
export function whole<Data>(session: Session<Data> | DamagedSession): Session<Data> {
  if (isDamaged(session)) throw new Error(`the record of session ${session.id} is damaged`);
  return session;
}
