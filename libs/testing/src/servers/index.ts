// Real servers and whole clusters for tests, the demo and `npm start`. Nothing here needs a test runner, so tools
// import it as '@parley/testing/servers'.
export { type NatsHandle, type NatsOptions, startNats } from './nats-server.ts';
export { type ClickHouseOptions, startClickHouse } from './clickhouse-server.ts';
export { type RedisOptions, startRedis } from './redis-server.ts';
export { PortTaken, type ServerHandle } from './server-process.ts';
export { type GuardedProcess, type ProcessExit, spawnGuarded, stopLimitMs } from './guarded-process.ts';
export { freePort, isPortFree } from './free-port.ts';
export { type ToolName, projectFolder, toolPath } from './tool-path.ts';
export { type WaitOptions, waitUntil } from './wait-until.ts';
export {
  type AppHandle,
  type AppName,
  type Cluster,
  type ClusterOptions,
  type GatewayAddress,
  appNames,
  startCluster,
} from './cluster.ts';
export { type TcpProxy, startTcpProxy } from './tcp-proxy.ts';
export { DataFolderInUse } from './data-folder-lock.ts';
export { type CertificateFiles, selfSignedCertificate } from './self-signed-certificate.ts';
