import type { FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import type { Principal } from '../access/principal.ts';
import type { ShownPatient } from '../access/restricted.schema.ts';
import type { RouteContract } from '../api/contract.ts';
import type { Ctx } from '../db/context.ts';
import type { PatientRepository } from '../patient/patient-repository.ts';
import type { Security } from './security.ts';
import type { ServerRegistry } from './registry.ts';

type Output<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;
type Field<Contract, Name extends string> = Contract extends { readonly [Key in Name]: infer Schema } ? Output<Schema> : undefined;

/** One request, checked against its contract. */
export interface Call<Contract extends RouteContract = RouteContract> {
  readonly params: Field<Contract, 'params'>;
  readonly query: Field<Contract, 'query'>;
  /** Undefined for a binary body, which is read from `request.raw`. */
  readonly body: Field<Contract, 'body'>;
  /** The version in If-Match. */
  readonly version: Contract extends { readonly ifMatch: 'required' } ? number : number | undefined;
  /** With actor, viewer, request id and origin of this request. */
  readonly ctx: Ctx;
  /** The registry, bound to `ctx`. */
  readonly patients: PatientRepository<ShownPatient>;
  readonly registry: ServerRegistry;
  readonly principal: Principal | undefined;
  /** Settings and defences of signing in. */
  readonly security: Security;
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
}

/** What a handler answers. A body may also be a stream or a Buffer, with its content-type in `headers`. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Binding {
  readonly contract: RouteContract;
  readonly handle: (call: Call) => Promise<Answer>;
}

/** Ties a handler to its contract. */
export function bind<const Contract extends RouteContract>(contract: Contract, handle: (call: Call<Contract>) => Promise<Answer>): Binding {
  return { contract, handle: handle as unknown as Binding['handle'] };
}

/** A version as an entity tag, and back: `"7"`. Weak tags and `*` are not versions. */
export function toEtag(version: number): string {
  return `"${version}"`;
}
