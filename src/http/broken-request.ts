import { randomUUID } from 'node:crypto';
import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../base/errors.ts';
import { toProblem } from './problem.ts';

/** Answers what is not HTTP, and so never becomes a request, with a problem document like everything else; then the connection ends. */
export function answerBrokenRequest(fault: Error & { code?: string }, socket: Socket): void {
  if (fault.code === 'ECONNRESET' || !socket.writable) return void socket.destroy();
  const error = errorOf(fault.code);
  const body = JSON.stringify(toProblem(error, randomUUID()));
  const { httpStatus } = error.face;
  socket.end(
    `HTTP/1.1 ${httpStatus} ${STATUS_CODES[httpStatus]}\r\nconnection: close\r\ncontent-type: application/problem+json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

function errorOf(reason: string | undefined): AppError {
  if (reason === 'HPE_HEADER_OVERFLOW') {
    return new AppError('too-large', 'HEADERS_TOO_LARGE', 'The headers are larger than this server takes (16 KB together). Send fewer or shorter ones.');
  }
  if (reason === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError('invalid', 'REQUEST_UNFINISHED', 'The request did not arrive whole in time. Send it again, and faster.');
  }
  return new AppError('invalid', 'REQUEST_MALFORMED', 'This is not a request as HTTP/1.1 writes it. Check the first line and the headers.');
}
