import { AppError } from '../base/errors.ts';
import { parseInput } from '../base/parse-input.ts';
import type { ContentStore, StoreName } from './content-store.ts';
import { databaseContents } from './database-content.store.ts';
import { DocumentOptions } from './document.schema.ts';
import type { MediaType } from './media-type.ts';
import { s3Contents } from './s3-content.store.ts';

/** A complete file before a document takes it over. */
export interface InspectedFile {
  readonly mediaType: MediaType;
  readonly size: number;
  readonly sha256: string;
  readonly read: () => AsyncIterable<Uint8Array>;
}

/** What the facility has decided about files, and the stores it has. */
export interface DocumentSettings {
  /** Where new files go. */
  readonly target: ContentStore;
  /** Where files are, new and old. */
  readonly stores: ReadonlyMap<StoreName, ContentStore>;
  /** Bytes. */
  readonly maxBytes: number;
  readonly maxPhotoPixels: number;
  /** Looks at every file before it is taken, such as a malware scanner does; throws an AppError to refuse it. */
  readonly inspect?: ((file: InspectedFile) => Promise<void>) | undefined;
  close(): Promise<void>;
}

/** Checks the options and sets up the stores; nothing is connected before the first file. Errors: `INPUT_INVALID`, `S3_SETTINGS_MISSING`. */
export function openDocumentSettings(given: DocumentOptions = {}, inspect?: DocumentSettings['inspect']): DocumentSettings {
  const options = parseInput(DocumentOptions, given);
  const objects = options.s3 && s3Contents(options.s3);
  if (options.store === 's3' && !objects) {
    throw new AppError('invalid', 'S3_SETTINGS_MISSING', 'Files are to go to S3, but no bucket is named. Give the settings of s3, or store database.', {
      field: 's3',
    });
  }
  const stores = new Map<StoreName, ContentStore>([['DATABASE', databaseContents], ...(objects ? ([['S3', objects]] as const) : [])]);
  return {
    target: objects && options.store !== 'database' ? objects : databaseContents,
    stores,
    maxBytes: options.maxBytes,
    maxPhotoPixels: options.maxPhotoPixels,
    inspect,
    close: async () => {
      for (const store of stores.values()) await store.close();
    },
  };
}

/** The store of a name. Errors: `CONTENT_STORE_MISSING` when the settings have none, as after S3 was taken out of them. */
export function storeOf(settings: DocumentSettings, name: StoreName): ContentStore {
  const store = settings.stores.get(name);
  if (store) return store;
  throw new AppError('operator', 'CONTENT_STORE_MISSING', `This file is kept in ${name}, which is not set up here. Give its settings again.`, { store: name });
}

/** What holds where nobody decided anything: files of up to 20 MiB, in the database. */
export const databaseDocuments = openDocumentSettings();
