import { z } from 'zod';

/** Who may do what: roles and the scopes they hold. Data, so that every face and the documentation read the same matrix. */

export const scopes = {
  'patient.register': 'register a patient',
  'patient.search': 'search and list patients',
  'patient.read': 'view the whole chart',
  'patient.read.demographics': 'view demographics, contacts and documents',
  'patient.break-glass': 'open a restricted chart for a stated reason',
  'patient.update': 'edit demographics and contacts',
  'patient.document': 'attach and verify documents',
  'patient.clinical': 'record allergies and risk flags',
  'patient.deceased': 'mark as deceased and take it back',
  'patient.restrict': 'restrict and archive a chart',
  'patient.merge': 'work the review queue, merge and unmerge',
  'patient.export': 'take out everything about one patient',
  'registry.export': 'take out the whole registry',
  'audit.read': 'read the audit trail',
  'access.review': 'review why restricted charts were opened',
  'access.manage': 'manage accounts and service keys',
  'events.manage': 'say who is told of events, and watch over it',
  'registry.configure': 'say what the numbers of other authorities look like',
} as const satisfies Record<string, string>;

export const Scope = z.enum(Object.keys(scopes) as [keyof typeof scopes, ...(keyof typeof scopes)[]]);
export type Scope = z.infer<typeof Scope>;

/** There is no scope to delete a patient: nobody may. */
export const roles = {
  ADMIN: [
    'patient.register',
    'patient.search',
    'patient.read',
    'patient.read.demographics',
    'patient.break-glass',
    'patient.update',
    'patient.document',
    'patient.clinical',
    'patient.deceased',
    'patient.restrict',
    'patient.merge',
    'patient.export',
    'registry.export',
    'audit.read',
    'access.review',
    'access.manage',
    'events.manage',
    'registry.configure',
  ],
  FRONT_DESK: ['patient.register', 'patient.search', 'patient.read.demographics', 'patient.break-glass', 'patient.update', 'patient.document'],
  NURSE: ['patient.register', 'patient.search', 'patient.read', 'patient.read.demographics', 'patient.break-glass', 'patient.clinical'],
  DOCTOR: ['patient.register', 'patient.search', 'patient.read', 'patient.read.demographics', 'patient.break-glass', 'patient.clinical', 'patient.deceased'],
  HIM: [
    'patient.register',
    'patient.search',
    'patient.read',
    'patient.read.demographics',
    'patient.break-glass',
    'patient.update',
    'patient.document',
    'patient.deceased',
    'patient.restrict',
    'patient.merge',
    'patient.export',
    'registry.export',
  ],
  AUDITOR: ['audit.read', 'access.review'],
} as const satisfies Record<string, readonly Scope[]>;

export const Role = z.enum(Object.keys(roles) as [keyof typeof roles, ...(keyof typeof roles)[]]);
export type Role = z.infer<typeof Role>;
