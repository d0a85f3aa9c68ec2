export { toInstant } from '../base/instant.ts';
