import { z } from 'zod';
import { Account, AccountChanges, AccountList, AccountWithPassword, NewAccount, PasswordReset } from '../access/account.schema.ts';
import { CreatedKey, Key, KeyList, NewKey } from '../access/key.schema.ts';
import type { RouteContract } from './contract.ts';
import { json, problem } from './responses.ts';

const access = 'access.manage';
const byId = z.object({ id: z.string().min(1).max(255) });
const noAccount = problem('There is no such account.');

export const listAccountsRoute = {
  method: 'GET',
  path: '/api/v1/accounts',
  operationId: 'listAccounts',
  summary: 'All accounts',
  tag: 'accounts',
  access,
  responses: { 200: json(AccountList, 'By username.') },
} as const satisfies RouteContract;

export const createAccountRoute = {
  method: 'POST',
  path: '/api/v1/accounts',
  operationId: 'createAccount',
  summary: 'Make an account',
  description: 'Without a password one is generated and given back this one time.',
  tag: 'accounts',
  access,
  body: NewAccount,
  responses: {
    201: { ...json(AccountWithPassword, 'Made.'), headers: { Location: 'Where it is.' } },
    409: problem('The username is taken.'),
  },
} as const satisfies RouteContract;

export const getAccountRoute = {
  method: 'GET',
  path: '/api/v1/accounts/{id}',
  operationId: 'getAccount',
  summary: 'One account',
  tag: 'accounts',
  access,
  params: byId,
  responses: { 200: json(Account, 'The account.'), 404: noAccount },
} as const satisfies RouteContract;

export const changeAccountRoute = {
  method: 'PATCH',
  path: '/api/v1/accounts/{id}',
  operationId: 'changeAccount',
  summary: 'Change name, role or user of an account, disable or enable it',
  description: 'Disabling ends every session of the account; enabling lifts a lock too. Nobody disables or promotes themselves.',
  tag: 'accounts',
  access,
  params: byId,
  body: AccountChanges,
  responses: { 200: json(Account, 'As it is now.'), 404: noAccount, 422: problem('It is the own account.') },
} as const satisfies RouteContract;

export const resetPasswordRoute = {
  method: 'POST',
  path: '/api/v1/accounts/{id}/reset-password',
  operationId: 'resetPassword',
  summary: 'Set a new password for somebody else',
  description: 'Ends every session of the account and lifts a lock. Without a password one is generated and given back this one time.',
  tag: 'accounts',
  access,
  params: byId,
  body: PasswordReset,
  responses: { 200: json(AccountWithPassword, 'Done.'), 404: noAccount, 422: problem('It is the own account.') },
} as const satisfies RouteContract;

export const listKeysRoute = {
  method: 'GET',
  path: '/api/v1/keys',
  operationId: 'listKeys',
  summary: 'All service keys',
  tag: 'keys',
  access,
  responses: { 200: json(KeyList, 'Newest first, revoked and expired ones too.') },
} as const satisfies RouteContract;

export const createKeyRoute = {
  method: 'POST',
  path: '/api/v1/keys',
  operationId: 'createKey',
  summary: 'Make a service key',
  description: 'The key is given back this one time.',
  tag: 'keys',
  access,
  body: NewKey,
  responses: { 201: json(CreatedKey, 'Made.') },
} as const satisfies RouteContract;

export const revokeKeyRoute = {
  method: 'DELETE',
  path: '/api/v1/keys/{id}',
  operationId: 'revokeKey',
  summary: 'Revoke a service key',
  description: 'By its id or its open part. It stays in the list; within 10 seconds no process takes it any more.',
  tag: 'keys',
  access,
  params: byId,
  responses: { 200: json(Key, 'As it is now.'), 404: problem('There is no such key.'), 422: problem('It is revoked already.') },
} as const satisfies RouteContract;

export const accountsRoutes = [
  listAccountsRoute,
  createAccountRoute,
  getAccountRoute,
  changeAccountRoute,
  resetPasswordRoute,
  listKeysRoute,
  createKeyRoute,
  revokeKeyRoute,
] as const satisfies readonly RouteContract[];
