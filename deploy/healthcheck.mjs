// node healthcheck.mjs live|ready: asks the server of this container how it is. Exit code 0 when it is well, 1 otherwise.
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';

const question = process.argv[2] === 'ready' ? 'ready' : 'live';
const tls = Boolean(process.env.ONECHART_SERVER_TLS_CERTIFICATE_FILE);
const port = Number(process.env.ONECHART_SERVER_PORT || 8080);

// The certificate is for the name that others use, and this never leaves the container.
const outgoing = (tls ? secure : plain)({ host: '127.0.0.1', port, path: `/health/${question}`, timeout: 4_000, rejectUnauthorized: false }, (reply) => {
  let text = '';
  reply.setEncoding('utf8');
  reply.on('data', (chunk) => {
    text += chunk;
  });
  reply.on('end', () => {
    // Shown by docker inspect: says in words what is wrong, and nothing of a patient.
    process.stdout.write(`${reply.statusCode} ${text.slice(0, 500)}\n`);
    process.exitCode = reply.statusCode === 200 ? 0 : 1;
  });
});
outgoing.on('timeout', () => outgoing.destroy(new Error('no answer within 4 seconds')));
outgoing.on('error', (error) => {
  process.stdout.write(`${error.message}\n`);
  process.exitCode = 1;
});
outgoing.end();
