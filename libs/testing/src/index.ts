// Everything tests share: real servers, contract suites for ports, the decider spec. One block of exports a folder.
export {
  type AppHandle,
  type AppName,
  type Cluster,
  type ClusterOptions,
  type GatewayAddress,
  type NatsHandle,
  type NatsOptions,
  type RedisOptions,
  type ServerHandle,
  type WaitOptions,
  freePort,
  startCluster,
  startClickHouse,
  startNats,
  startRedis,
  waitUntil,
} from './servers/index.ts';
export { type CertificateFiles, selfSignedCertificate } from './servers/self-signed-certificate.ts';
export { type DecidesAsOptions, DomainWorld, decidesAs } from './decider/index.ts';
export { type Wanted, asTyped, plainMatch, plainWords, sampleTerms } from './search/index.ts';
