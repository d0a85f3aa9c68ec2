export { defaultHostProfile, defaultLinkTables, type HostIdType, type HostLinkTable, type HostProfile } from './host.ts';
export { type HostFinding, type HostOptions, readHostProfile } from './host-profile.ts';
export { linkIndexMigrationName, type MigrationFile, migrationFile, moduleMigrationNames, moduleMigrationsFolder, renderModule } from './render-module.ts';
export { type InitResult, initModule } from './init-module.ts';
export type { ModelAddition } from './patient-models.ts';
export { prismaName } from './prisma-names.ts';
