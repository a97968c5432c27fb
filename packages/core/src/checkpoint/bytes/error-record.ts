/** An error's name and message, as LangGraph itself keeps an error of a node. Anything can have been thrown. */
export function errorRecord(error: unknown): { name: string; message: string } {
  const { name, message } = Object(error) as { name?: unknown | undefined; message?: unknown | undefined };
  return { name: written(name ?? "Error"), message: written(message ?? error) };
}

function written(value: unknown): string {
  try {
    return String(value);
  } catch {
    return "an error that cannot be written";
  }
}
