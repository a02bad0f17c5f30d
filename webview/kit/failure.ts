// What a window says of a call to its host that failed.

/** Its words; undefined for work that the person has stopped. */
export function failureOf(error: unknown): string | undefined {
  if (error instanceof Error && 'code' in error && error.code === 'cancelled') return undefined;
  return error instanceof Error ? error.message : String(error);
}
