import type { Binding } from '../bind.ts';
import { patientBindings } from './patients.ts';

/** Every route that works on the registry; those of health and description are in the server itself. */
export const bindings: readonly Binding[] = [...patientBindings];
