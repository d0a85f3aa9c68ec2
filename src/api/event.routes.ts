import { z } from 'zod';
import { Id } from '../base/fields.ts';
import {
  DeliveryFilter,
  DeliveryPage,
  NewReceiver,
  Receiver,
  ReceiverChange,
  ReceiverList,
  ReceiverWithSecret,
  ReplayInput,
  RetriedCount,
  RotateInput,
  TestResult,
} from '../events/event.schema.ts';
import type { RouteContract } from './contract.ts';
import { json, problem } from './responses.ts';

const access = 'events.manage';
const tag = 'events';
const ReceiverId = z.strictObject({ receiverId: Id.describe('The id of the receiver, or its name.') });
const DeliveryId = z.strictObject({ receiverId: Id.describe('The id of the receiver, or its name.'), eventId: Id.describe('The id of the event.') });
const noReceiver = problem('There is no such receiver.');
const noDelivery = problem('There is no such receiver, or it has no such event waiting or given up.');
const one = json(Receiver, 'As it is now.');
const cannotSign = problem('This server has no key under which secrets are kept (events.secretKey).');

export const listEventReceiversRoute = {
  method: 'GET',
  path: '/api/v1/event-receivers',
  operationId: 'listEventReceivers',
  summary: 'Who is told of events, and how far each is',
  description: 'With how many events each is behind, what it refused, and since when it fails.',
  tag,
  access,
  responses: { 200: json(ReceiverList, 'By name.') },
} as const satisfies RouteContract;

export const addEventReceiverRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers',
  operationId: 'addEventReceiver',
  summary: 'Add a receiver of events',
  description:
    'It is told by POST requests with ids and names of fields, signed after Standard Webhooks (webhook-id, webhook-timestamp, webhook-signature). The secret is given back this one time.',
  tag,
  access,
  body: NewReceiver,
  responses: {
    201: json(ReceiverWithSecret, 'Added.'),
    404: problem('from names no event that is kept.'),
    409: problem('The name is taken.'),
    422: cannotSign,
  },
} as const satisfies RouteContract;

export const getEventReceiverRoute = {
  method: 'GET',
  path: '/api/v1/event-receivers/{receiverId}',
  operationId: 'getEventReceiver',
  summary: 'One receiver of events',
  tag,
  access,
  params: ReceiverId,
  responses: { 200: one, 404: noReceiver },
} as const satisfies RouteContract;

export const changeEventReceiverRoute = {
  method: 'PATCH',
  path: '/api/v1/event-receivers/{receiverId}',
  operationId: 'changeEventReceiver',
  summary: 'Change name, address or types of a receiver',
  tag,
  access,
  params: ReceiverId,
  body: ReceiverChange,
  responses: { 200: one, 404: noReceiver, 409: problem('The name is taken.') },
} as const satisfies RouteContract;

export const removeEventReceiverRoute = {
  method: 'DELETE',
  path: '/api/v1/event-receivers/{receiverId}',
  operationId: 'removeEventReceiver',
  summary: 'Remove a receiver with what waits for it',
  tag,
  access,
  params: ReceiverId,
  responses: { 204: { description: 'Removed.' }, 404: noReceiver },
} as const satisfies RouteContract;

export const pauseEventReceiverRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/pause',
  operationId: 'pauseEventReceiver',
  summary: 'Send a receiver nothing until it is resumed',
  description: 'Events wait, and are kept for it.',
  tag,
  access,
  params: ReceiverId,
  responses: { 200: one, 404: noReceiver },
} as const satisfies RouteContract;

export const resumeEventReceiverRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/resume',
  operationId: 'resumeEventReceiver',
  summary: 'Go on with a receiver at once',
  description: 'Also when it only waits after a failure.',
  tag,
  access,
  params: ReceiverId,
  responses: { 200: one, 404: noReceiver },
} as const satisfies RouteContract;

export const rotateEventSecretRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/rotate-secret',
  operationId: 'rotateEventSecret',
  summary: 'Give a receiver a new secret',
  description: 'Given back this one time. For a while requests are signed with both.',
  tag,
  access,
  params: ReceiverId,
  body: RotateInput,
  responses: { 200: json(ReceiverWithSecret, 'With the new secret.'), 404: noReceiver, 422: cannotSign },
} as const satisfies RouteContract;

export const replayEventsRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/replay',
  operationId: 'replayEvents',
  summary: 'Send everything again from a point on',
  description: 'What comes again bears the webhook-id that it had.',
  tag,
  access,
  params: ReceiverId,
  body: ReplayInput,
  responses: { 200: one, 404: problem('There is no such receiver, or no such event is kept.') },
} as const satisfies RouteContract;

export const testEventReceiverRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/test',
  operationId: 'testEventReceiver',
  summary: 'Send a receiver an event about nobody',
  description: 'Of the type onechart.test, signed as all are; the answer says what came of it.',
  tag,
  access,
  params: ReceiverId,
  responses: { 200: json(TestResult, 'What came of it.'), 404: noReceiver, 422: cannotSign },
} as const satisfies RouteContract;

export const listEventDeliveriesRoute = {
  method: 'GET',
  path: '/api/v1/event-receivers/{receiverId}/deliveries',
  operationId: 'listEventDeliveries',
  summary: 'What a receiver refused, and what waits behind it',
  description: 'In the order of the events. state=DEAD are those that were given up. What was taken at once leaves no row: the position tells it.',
  tag,
  access,
  params: ReceiverId,
  query: DeliveryFilter,
  responses: { 200: json(DeliveryPage, 'A page.'), 404: noReceiver },
} as const satisfies RouteContract;

export const retryEventDeliveriesRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/deliveries/retry',
  operationId: 'retryEventDeliveries',
  summary: 'Send all events again that were given up',
  tag,
  access,
  params: ReceiverId,
  responses: { 200: json(RetriedCount, 'How many.'), 404: noReceiver },
} as const satisfies RouteContract;

export const retryEventDeliveryRoute = {
  method: 'POST',
  path: '/api/v1/event-receivers/{receiverId}/deliveries/{eventId}/retry',
  operationId: 'retryEventDelivery',
  summary: 'Send one event again now',
  description: 'Later events of the patient follow in order.',
  tag,
  access,
  params: DeliveryId,
  responses: { 200: json(RetriedCount, 'Done.'), 404: noDelivery },
} as const satisfies RouteContract;

export const discardEventDeliveryRoute = {
  method: 'DELETE',
  path: '/api/v1/event-receivers/{receiverId}/deliveries/{eventId}',
  operationId: 'discardEventDelivery',
  summary: 'Give an event up for good',
  description: 'The receiver is not told of it; later events of the patient go out.',
  tag,
  access,
  params: DeliveryId,
  responses: { 204: { description: 'Discarded.' }, 404: noDelivery },
} as const satisfies RouteContract;

export const eventRoutes = [
  listEventReceiversRoute,
  addEventReceiverRoute,
  getEventReceiverRoute,
  changeEventReceiverRoute,
  removeEventReceiverRoute,
  pauseEventReceiverRoute,
  resumeEventReceiverRoute,
  rotateEventSecretRoute,
  replayEventsRoute,
  testEventReceiverRoute,
  listEventDeliveriesRoute,
  retryEventDeliveriesRoute,
  retryEventDeliveryRoute,
  discardEventDeliveryRoute,
] as const satisfies readonly RouteContract[];
