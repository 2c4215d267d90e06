// A throw-away certificate for 127.0.0.1 and localhost, made by the machine's openssl, for tests that speak TLS.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

export interface CertificateFiles {
  readonly certificateFile: string;
  readonly keyFile: string;
  remove(): void;
}

export function selfSignedCertificate(): CertificateFiles {
  const folder = mkdtempSync(path.join(tmpdir(), 'parley-certificate-'));
  const certificateFile = path.join(folder, 'certificate.pem');
  const keyFile = path.join(folder, 'key.pem');
  const request = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:prime256v1',
    '-nodes',
    '-days',
    '2',
  ];
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
  execFileSync('openssl', [...request, ...names, '-keyout', keyFile, '-out', certificateFile], {
    stdio: 'pipe',
  });
  return { certificateFile, keyFile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
