export { type ImportOptions, type ImportResult, importRows } from './import-rows.ts';
export type { ExportedTable, ExportManifest } from './manifest.ts';
export { planRollback, type RollbackOptions, type RollbackPlan, type RollbackPlanOptions, type RollbackResult, rollbackMigration } from './rollback.ts';
