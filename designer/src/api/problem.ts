/** What the server says when it refuses: application/problem+json. */
export class Problem extends Error {
  readonly status: number;
  readonly errors: Record<string, string[]>;
  readonly body: Record<string, unknown>;

  constructor(status: number, body: Record<string, unknown>) {
    super(typeof body.detail === 'string' ? body.detail : typeof body.title === 'string' ? body.title : `The server answered with ${status}.`);
    this.status = status;
    this.errors = (body.errors as Record<string, string[]> | undefined) ?? {};
    this.body = body;
  }

  static async of(response: Response): Promise<Problem> {
    try {
      return new Problem(response.status, (await response.json()) as Record<string, unknown>);
    } catch {
      return new Problem(response.status, {});
    }
  }
}

/** One sentence for a person. */
export function messageOf(error: unknown): string {
  if (error instanceof Problem) return error.message;
  if (error instanceof TypeError) return 'The server cannot be reached. Check your connection and try again.';
  return error instanceof Error ? error.message : 'Something went wrong.';
}

/** The first error of each field, as Mantine's forms take them. */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof Problem)) return {};
  return Object.fromEntries(Object.entries(error.errors).map(([field, texts]) => [field, texts[0] ?? '']));
}
