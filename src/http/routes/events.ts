import * as contract from '../../api/event.routes.ts';
import * as events from '../../events/receiver.service.ts';
import { answerCreated } from '../answers.ts';
import { type Binding, bind } from '../bind.ts';

export const eventBindings: readonly Binding[] = [
  bind(contract.listEventReceiversRoute, async ({ ctx }) => ({ status: 200, body: await events.listReceivers(ctx) })),
  bind(contract.addEventReceiverRoute, async ({ body, ctx, registry }) => {
    const made = await events.addReceiver(ctx, body, registry.events);
    return answerCreated({ status: 201, body: made }, ['event-receivers', made.id]);
  }),
  bind(contract.getEventReceiverRoute, async ({ params, ctx }) => ({ status: 200, body: await events.findReceiver(ctx, params.receiverId) })),
  bind(contract.changeEventReceiverRoute, async ({ params, body, ctx, registry }) => ({
    status: 200,
    body: await events.changeReceiver(ctx, params.receiverId, { input: body, settings: registry.events }),
  })),
  bind(contract.removeEventReceiverRoute, async ({ params, ctx }) => {
    await events.removeReceiver(ctx, params.receiverId);
    return { status: 204 };
  }),
  bind(contract.pauseEventReceiverRoute, async ({ params, ctx }) => ({ status: 200, body: await events.pauseReceiver(ctx, params.receiverId) })),
  bind(contract.resumeEventReceiverRoute, async ({ params, ctx }) => ({ status: 200, body: await events.resumeReceiver(ctx, params.receiverId) })),
  bind(contract.rotateEventSecretRoute, async ({ params, body, ctx, registry }) => ({
    status: 200,
    body: await events.rotateSecret(ctx, params.receiverId, { input: body, settings: registry.events }),
  })),
  bind(contract.replayEventsRoute, async ({ params, body, ctx }) => ({ status: 200, body: await events.replayEvents(ctx, params.receiverId, body) })),
  bind(contract.testEventReceiverRoute, async ({ params, ctx, registry }) => ({
    status: 200,
    body: await events.testReceiver(ctx, params.receiverId, registry.events),
  })),
  bind(contract.listEventDeliveriesRoute, async ({ params, query, ctx }) => ({
    status: 200,
    body: await events.listDeliveries(ctx, params.receiverId, query),
  })),
  bind(contract.retryEventDeliveriesRoute, async ({ params, ctx }) => ({ status: 200, body: await events.retryDeliveries(ctx, params.receiverId) })),
  bind(contract.retryEventDeliveryRoute, async ({ params, ctx }) => ({
    status: 200,
    body: await events.retryDeliveries(ctx, params.receiverId, params.eventId),
  })),
  bind(contract.discardEventDeliveryRoute, async ({ params, ctx }) => {
    await events.discardDelivery(ctx, params.receiverId, params.eventId);
    return { status: 204 };
  }),
];
