import type { ErrorKind } from '../../base/errors.ts';
import type { ProvenBackup } from '../backup/manifest.ts';
import type { Finding } from '../check.ts';
import type { ObjectCounts } from '../object-counts.ts';
import type { Step } from '../step.ts';
import type { Verification } from '../verify.ts';

/** A step as it was planned, without its statements. */
export type PlannedStep = Omit<Step, 'statements'>;

/** A step as it was done, from the journal. */
export interface RunStep {
  readonly migration: string;
  readonly step: string;
  readonly title: string;
  /** By the clock of the machine that ran the command. */
  readonly startedAt: Date;
  readonly workMilliseconds: number;
  /** Time of the attempts and pauses before the one that got its locks. */
  readonly lockWaitMilliseconds: number;
  readonly attempts: number;
  /** Set when a rollback has taken it back since. */
  readonly undoneAt: Date | null;
}

/** The step at which a run ended early; it was taken back whole. */
export interface StoppedRunStep {
  readonly migration: string;
  readonly step: string;
  readonly title: string;
  readonly number: number;
  readonly of: number;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly attempts: number;
}

/**
 * What a run tells about itself, with `run.note`. Every part may be absent. A part of another name is shown as it is:
 * texts and numbers as a line, lists of such as a table.
 */
export interface RunDetails {
  readonly database?: string;
  readonly serverVersion?: string;
  readonly findings?: readonly Finding[];
  readonly planned?: readonly PlannedStep[];
  readonly before?: readonly ObjectCounts[];
  readonly after?: readonly ObjectCounts[];
  readonly verification?: Verification;
  /** The proof, or in so many words why there is none. */
  readonly backup?: Omit<ProvenBackup, 'objects'> | string;
  readonly error?: { readonly kind: ErrorKind; readonly code: string; readonly message: string; readonly details?: Readonly<Record<string, unknown>> };
  readonly stopped?: StoppedRunStep;
}

/** One run of a command that changed the database, with everything the journal knows of it. */
export interface RunRecord {
  readonly id: number;
  readonly command: string;
  readonly schema: string;
  readonly database: string;
  /**
   * `done`: it came to its end. `failed`: it ended with an error and said so. `running`: a process works on it now.
   * `cut-off`: it has no end, as its process or the server was killed.
   */
  readonly state: 'done' | 'failed' | 'running' | 'cut-off';
  /** `done`, or the code of the error; null when nothing was written. */
  readonly outcome: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly databaseUser: string;
  readonly operatingSystemUser: string | null;
  readonly host: string | null;
  /** Version of OneChart. */
  readonly version: string | null;
  readonly serverVersion: string | undefined;
  readonly steps: readonly RunStep[];
  readonly details: RunDetails & Readonly<Record<string, unknown>>;
  /** The next run on the same schema. */
  readonly next: { readonly id: number; readonly command: string } | undefined;
  /** Runs right before this one that were cut off, oldest first. */
  readonly continues: readonly number[];
}

/** A line of the list of runs. */
export interface RunSummary {
  readonly id: number;
  readonly command: string;
  readonly schema: string;
  readonly state: RunRecord['state'];
  readonly outcome: string | null;
  readonly startedAt: Date;
  readonly finishedAt: Date | null;
  readonly databaseUser: string;
  readonly operatingSystemUser: string | null;
  readonly host: string | null;
  readonly steps: number;
  readonly longestLockWaitMilliseconds: number;
}
