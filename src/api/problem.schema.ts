import { z } from 'zod';

/** An error as HTTP shows it (RFC 9457), filled from the one error table. */
export const Problem = z
  .object({
    type: z.string().describe('Names the code: `urn:onechart:error:` and the code.'),
    title: z.string().describe('What this kind of error means.'),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What happened and what to do about it. Holds no patient data and no SQL.'),
    kind: z.string(),
    code: z.string(),
    requestId: z.string().describe('The id under which the log has this request.'),
    details: z.record(z.string(), z.unknown()).optional(),
  })
  .meta({ id: 'Problem', description: 'A problem (RFC 9457).' });
export type Problem = z.infer<typeof Problem>;
