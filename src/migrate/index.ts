export type { AssessedMigration, AssessedStatement, Assessment } from './assess.ts';
export type { Finding } from './check.ts';
export { type ApplyOptions, type ApplyResult, applyMigration } from './apply.ts';
export type { DoneStep, MigrateEvent, RunOptions } from './run.ts';
export { checkMigration, type InitOptions, initMigration, isMigrated, migrationStatus, type PlanResult, planMigration, verifyMigration } from './engine.ts';
export type { CheckResult, MigrateOptions } from './preflight.ts';
export type { Plan } from './plan.ts';
export type { Step } from './step.ts';
export { defaultLockPatience, type LockPatience } from './session.ts';
export type { VerifiedItem, Verification } from './verify.ts';
export type { InitResult } from './module/index.ts';
export { defaultLinkTables } from './module/index.ts';
export {
  type BackupOptions,
  type BackupProgress,
  makeBackup,
  type ProvenBackup,
  restoreBackup,
  type RestoredBackup,
  type RestoreOptions,
  type VerifiedBackup,
  verifyBackup,
  type VerifyBackupOptions,
} from './backup/index.ts';
export {
  listRuns,
  type PlannedStep,
  readRun,
  renderReport,
  type ReportFormat,
  reportName,
  type RunDetails,
  type RunRecord,
  type RunStep,
  type RunSummary,
} from './report/index.ts';
export {
  type IgnoredFinding,
  type LintFile,
  type LintFinding,
  lintMigrations,
  type LintOptions,
  lintPath,
  type LintPathOptions,
  type LintReport,
  lintRules,
  type Severity,
} from './lint/index.ts';
