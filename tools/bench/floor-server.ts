// The other side of the floors, as bare as it gets: uWebSockets.js that echoes on one path and publishes to everybody on
// the other, and a responder on core NATS. A process of its own, as a gateway is.
import { connect } from '@nats-io/transport-node';
import { App } from 'uWebSockets.js';
import type { us_socket } from 'uWebSockets.js';
import * as library from 'uWebSockets.js';

const backlogBytesMax = 64 * 1024 * 1024;
const topic = 'everybody';
const [natsUrl = '', subject = ''] = process.argv.slice(2);

const app = App()
  .ws('/echo', {
    maxBackpressure: backlogBytesMax,
    message: (socket, message, isBinary) => void socket.send(message, isBinary),
  })
  .ws('/topic', {
    maxBackpressure: backlogBytesMax,
    open: (socket) => void socket.subscribe(topic),
    message: (_socket, message, isBinary) => void app.publish(topic, message, isBinary),
  });

const connection = await connect({ servers: natsUrl });
connection.subscribe(subject, { callback: (_error, message) => void message.respond(message.data) });
await connection.flush();

app.listen('127.0.0.1', 0, (listening) => {
  if (!listening) throw new Error('no port to listen on');
  process.send?.({ port: library.us_socket_local_port(listening as us_socket) });
});
process.on('disconnect', () => process.exit(0));
process.on('SIGTERM', () => process.exit(0));
