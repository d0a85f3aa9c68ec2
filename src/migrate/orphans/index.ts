export {
  type AdoptOrphansOptions,
  adoptOrphans,
  type ClearOrphansOptions,
  type ListedOrphans,
  type ListOrphansOptions,
  listOrphans,
  listPlaceholders,
  nullOrphans,
  type OrphanList,
  type PlaceholderOptions,
  quarantineOrphans,
  type ResolvedOrphans,
  type ResolveOrphansOptions,
  type UndoneOrphans,
  type UndoOrphansOptions,
  undoOrphans,
} from './commands.ts';
export type { FileProblem } from './csv-people.ts';
export { type OrphanAction, orphanActions } from './decisions.ts';
export type { LoadedDemographics } from './demographics.ts';
export type { PlaceholderQueue, WaitingPlaceholder } from './queue.ts';
export type { Resolved } from './resolve.ts';
export type { Undone } from './undo.ts';
