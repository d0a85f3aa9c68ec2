import type { TestProject } from 'vitest/node';
import { provideServer } from './server.ts';

/** ONECHART_TEST_SERVER_BIN runs the same tests on an installed server: ONECHART_TEST_SERVER_BIN=/usr/lib/postgresql/15/bin */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  return provideServer(project, process.env.ONECHART_TEST_SERVER_BIN || undefined);
}
