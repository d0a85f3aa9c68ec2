import type { TestProject } from 'vitest/node';
import { findOlderServer } from './older-server.ts';
import { provideServer } from './server.ts';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const older = findOlderServer();
  if (older.binFolder === undefined) throw new Error(older.reason);
  return provideServer(project, older.binFolder);
}
