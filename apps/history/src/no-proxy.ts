// Imported before the engine opens: where the environment names an http_proxy, the engine would send what it writes to an
// address of this very process (see the embedded ClickHouse's streams) to that proxy.
const loopback = '127.0.0.1';
const others = process.env['no_proxy'] ?? process.env['NO_PROXY'];
process.env['no_proxy'] = others === undefined ? loopback : `${others},${loopback}`;
