import { UwsClientTransport, WsClientTransport } from '@parley/adapters';
import { describeClientTransport } from './client-transport.contract.ts';

describeClientTransport('uWebSockets.js', (tls) => UwsClientTransport.load(tls));
describeClientTransport('ws', (tls) => Promise.resolve(new WsClientTransport(tls)));
