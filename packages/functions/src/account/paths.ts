/** The paths under /api that a function without graphs serves. */
export const AUTH_PATHS = ["/auth", "/activity"] as const;
