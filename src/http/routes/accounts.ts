import { changeAccount, createAccount, getAccount, listAccounts, resetPassword } from '../../access/account.service.ts';
import { createKey, listKeys, revokeKey } from '../../access/key.service.ts';
import {
  changeAccountRoute,
  createAccountRoute,
  createKeyRoute,
  getAccountRoute,
  listAccountsRoute,
  listKeysRoute,
  resetPasswordRoute,
  revokeKeyRoute,
} from '../../api/accounts.routes.ts';
import { answerCreated } from '../answers.ts';
import { type Binding, bind } from '../bind.ts';

export const accountsBindings: readonly Binding[] = [
  bind(listAccountsRoute, async ({ ctx }) => ({ status: 200, body: await listAccounts(ctx) })),

  bind(createAccountRoute, async ({ body, ctx }) => {
    const made = await createAccount(ctx, body);
    return answerCreated({ status: 201, body: made }, ['accounts', made.account.id]);
  }),

  bind(getAccountRoute, async ({ params, ctx }) => ({ status: 200, body: await getAccount(ctx, params.id) })),

  bind(changeAccountRoute, async ({ params, body, ctx }) => ({ status: 200, body: await changeAccount(ctx, params.id, body) })),

  bind(resetPasswordRoute, async ({ params, body, ctx }) => ({ status: 200, body: await resetPassword(ctx, params.id, body) })),

  bind(listKeysRoute, async ({ ctx }) => ({ status: 200, body: await listKeys(ctx) })),

  bind(createKeyRoute, async ({ body, ctx }) => ({ status: 201, body: await createKey(ctx, body) })),

  bind(revokeKeyRoute, async ({ params, ctx }) => ({ status: 200, body: await revokeKey(ctx, params.id) })),
];
