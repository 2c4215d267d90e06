// The page a person sees who opens the gateway's address in a browser.
import type { HttpSettings } from './http-ports.ts';

export function frontPage(settings: Pick<HttpSettings, 'socketUrl' | 'defaultTenant'>): string {
  const socket =
    settings.socketUrl === undefined
      ? ''
      : `<dt>Clients connect to</dt><dd><code>${escapeHtml(settings.socketUrl)}</code></dd>`;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Parley</title>
<style>
:root { color-scheme: light dark; font: 16px/1.6 system-ui, sans-serif; }
body { max-width: 42rem; margin: 10vh auto; padding: 0 1.5rem; }
h1 { margin-bottom: 0; }
dt { font-weight: 600; margin-top: 1rem; }
dd { margin: 0; }
</style>
</head>
<body>
<main>
<h1>Parley</h1>
<p>An instant-messaging server. This is one of its gateways, and it is running.</p>
<dl>
${socket}
<dt>HTTP API</dt><dd><a href="openapi">OpenAPI page</a>, <a href="openapi-json">its JSON</a></dd>
<dt>Analysts</dt><dd><a href="analytics">plots of what is written and read</a></dd>
<dt>State</dt><dd><a href="health/ready">readiness</a>, <a href="metrics">metrics</a></dd>
<dt>Keys of its tokens</dt><dd><a href=".well-known/jwks.json">JWKS</a></dd>
<dt>Documentation</dt><dd><code>README.md</code> and <code>docs/protocol.md</code> in the project's folder. Try
<code>npm run chat -- --as alice</code> there.</dd>
</dl>
</main>
</body>
</html>
`;
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

const escapeHtml = (text: string): string => text.replace(/[&<>"]/g, (character) => escapes[character]!);
