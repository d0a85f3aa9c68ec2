import { connect, type Socket } from 'node:net';

export interface HttpReply {
  readonly status: number;
  readonly head: string;
  readonly body: string;
}

/**
 * One kept-alive connection that sends prepared requests and reads answers with a content-length: the load generator shares
 * the cores with what it measures, and a whole HTTP client would cost as much as the server.
 */
export class HttpConnection {
  readonly #socket: Socket;
  #received: Buffer = Buffer.alloc(0);
  #waiting: { resolve: (reply: HttpReply) => void; reject: (error: Error) => void } | undefined;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#read();
    });
    const lost = (error?: Error) => this.#waiting?.reject(error ?? new Error('The server closed the connection.'));
    socket.on('error', lost);
    socket.on('close', () => lost());
  }

  static async open(port: number): Promise<HttpConnection> {
    const socket = connect(port, '127.0.0.1');
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve);
      socket.once('error', reject);
    });
    return new HttpConnection(socket);
  }

  send(request: { method: string; path: string; headers: Readonly<Record<string, string>>; body?: string }): Promise<HttpReply> {
    const lines = [
      `${request.method} ${request.path} HTTP/1.1`,
      'host: 127.0.0.1',
      ...Object.entries(request.headers).map(([name, value]) => `${name}: ${value}`),
    ];
    if (request.body !== undefined) lines.push('content-type: application/json', `content-length: ${Buffer.byteLength(request.body)}`);
    const reply = new Promise<HttpReply>((resolve, reject) => {
      this.#waiting = { resolve, reject };
    });
    this.#socket.write(`${lines.join('\r\n')}\r\n\r\n${request.body ?? ''}`);
    return reply;
  }

  close(): void {
    this.#waiting = undefined;
    this.#socket.destroy();
  }

  #read(): void {
    const end = this.#received.indexOf('\r\n\r\n');
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < end + 4 + length) return;
    const body = this.#received.toString('utf8', end + 4, end + 4 + length);
    this.#received = this.#received.subarray(end + 4 + length);
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }
}
