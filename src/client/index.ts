export { AppError, type ErrorKind } from '../base/errors.ts';
export { type CallOptions, type ClientAnswer, type ClientOptions, createClient, type OneChartClient } from './client.ts';
export { verifyWebhook, type WebhookEvent } from './verify-webhook.ts';
