export type { AssessedMigration, AssessedStatement, Assessment } from './assess.ts';
export type { Finding } from './check.ts';
export { type ApplyOptions, type ApplyResult, applyMigration, type MigrateEvent } from './apply.ts';
export { checkMigration, type InitOptions, initMigration, isMigrated, migrationStatus, type PlanResult, planMigration, verifyMigration } from './engine.ts';
export type { CheckResult, MigrateOptions } from './preflight.ts';
export type { Plan, Step } from './plan.ts';
export { defaultLockPatience, type LockPatience } from './session.ts';
export type { VerifiedItem, Verification } from './verify.ts';
export type { InitResult } from './module/index.ts';
