export { type DatabaseAddress, parseDatabaseUrl } from '../base/config.ts';
export type { AssessedMigration, AssessedStatement, Assessment } from './assess.ts';
export type { Finding } from './check.ts';
export { type Difference, type Drift, type DriftOptions, findDrift } from './drift/index.ts';
export { type ApplyOptions, type ApplyResult, applyMigration } from './apply.ts';
export { type RepairResult, repairMigration } from './repair.ts';
export type { Damage } from './damage.ts';
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
  acceptBackup,
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
  renderRestoreReport,
  type RestoreOutcome,
  type RestoreRecord,
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
export {
  type ExportedTable,
  type ExportManifest,
  type ImportOptions,
  type ImportResult,
  importRows,
  planRollback,
  type RollbackOptions,
  type RollbackPlan,
  type RollbackPlanOptions,
  type RollbackResult,
  rollbackMigration,
} from './rollback/index.ts';
export {
  type AdoptOrphansOptions,
  adoptOrphans,
  type ClearOrphansOptions,
  type FileProblem,
  type ListedOrphans,
  type ListOrphansOptions,
  listOrphans,
  listPlaceholders,
  type LoadedDemographics,
  nullOrphans,
  type OrphanAction,
  orphanActions,
  type OrphanList,
  type PlaceholderOptions,
  type PlaceholderQueue,
  quarantineOrphans,
  type Resolved,
  type ResolvedOrphans,
  type ResolveOrphansOptions,
  type Undone,
  type UndoneOrphans,
  type UndoOrphansOptions,
  undoOrphans,
  type WaitingPlaceholder,
} from './orphans/index.ts';
