export { assertSameObjects, coldCopyManifest, type InspectedCopy, inspectCopy, readLiveObjects } from './cold-copy-manifest.ts';
export { partialFile, removePartials, syncFolder } from './dump-file.ts';
export type { EncryptionOptions } from './encryption.ts';
export { type BackupOptions, type BackupProgress, fileName, makeBackup } from './make.ts';
export { type BackupManifest, type BackupProof, proofOf, type ProvenBackup, provenBackup, readManifest, writeManifest } from './manifest.ts';
export { assertSame } from './prove.ts';
export { removeOlder } from './retention.ts';
export type { ToolOptions } from './tools.ts';
export { type VerifiedBackup, verifyBackup, type VerifyBackupOptions } from './verify.ts';
