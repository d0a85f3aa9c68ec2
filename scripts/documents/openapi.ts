import { openApiDocument } from '../../src/api/openapi.ts';
import { routes } from '../../src/api/routes.ts';
import { packageVersion } from '../../src/base/version.ts';

/** docs/openapi.json, from the route contracts. */
export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(routes, packageVersion()), null, 2)}\n`;
}
