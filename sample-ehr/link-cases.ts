import type { ClientBase } from 'pg';

/** Gives the oldest cases that have no patient one each, in order; as many as there are patients. Returns how many it linked. */
export async function linkCases(client: Pick<ClientBase, 'query'>, patientIds: readonly string[]): Promise<number> {
  const { rowCount } = await client.query(
    `UPDATE "surgical_cases" AS c SET "patientId" = p."id", "updatedAt" = now()
     FROM (SELECT "id", row_number() OVER (ORDER BY "caseNumber") AS n FROM "surgical_cases" WHERE "patientId" IS NULL ORDER BY "caseNumber" LIMIT cardinality($1::uuid[])) AS free
     JOIN unnest($1::uuid[]) WITH ORDINALITY AS p ("id", n) ON p.n = free.n
     WHERE c."id" = free."id" AND NOT EXISTS (SELECT FROM "surgical_cases" AS own WHERE own."patientId" = p."id")`,
    [patientIds],
  );
  return rowCount ?? 0;
}
