export { type BackupOptions, type BackupProgress, makeBackup } from './make.ts';
export { type BackupManifest, type BackupProof, type ProvenBackup, readManifest } from './manifest.ts';
export { type VerifiedBackup, verifyBackup, type VerifyBackupOptions } from './verify.ts';
