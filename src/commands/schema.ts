import { labJsonSchema } from '../lab/file.js';
import type { Context, Outcome } from './command.js';

/** Print the JSON Schema of lab files. With `--json` it is in the member `schema`. */
export async function schema(_flags: object, { reporter }: Context): Promise<Outcome> {
  const document = labJsonSchema();
  reporter.print(JSON.stringify(document, null, 2));
  return { more: { schema: document } };
}
