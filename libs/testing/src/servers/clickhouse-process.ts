// A ClickHouse server as far as history speaks to one: the embedded engine behind the part of ClickHouse's HTTP interface that
// is used. For tests and benches; started by clickhouse-server.ts.
//   node clickhouse-process.ts <folder> <port>
process.env['UV_THREADPOOL_SIZE'] ??= '16';
import http from 'node:http';
import path from 'node:path';
import { buffer } from 'node:stream/consumers';
import chdb from 'chdb';

const [folder = '', port = ''] = process.argv.slice(2);
const memoryBytesMax = 2 * 1024 ** 3;
const engine = new chdb.Session(path.join(folder, 'engine'), {
  connectionArgs: [`--max_server_memory_usage=${memoryBytesMax}`],
});
/** A connection of the engine runs one statement at a time. */
const readers = Array.from({ length: 3 }, () => new chdb.Session(path.join(folder, 'engine')));
let questions = 0;

const server = http.createServer((request, response) => void answer(request, response));
server.listen(Number(port), '127.0.0.1');
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
  for (const session of [...readers, engine]) session.close();
  process.exit(0);
});

async function answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  try {
    const body = await buffer(request);
    const [, query, format] = /^([\s\S]*)\nFORMAT (\w+)$/.exec(body.toString('utf8')) ?? [];
    if (query !== undefined && format !== undefined) return await stream(response, query, format);
    response.end(await run(new URL(request.url ?? '', 'http://host').searchParams.get('query'), body));
  } catch (error) {
    const { message } = error as Error;
    const code = /Code: (\d+)/.exec(message)?.[1] ?? '';
    if (!response.headersSent) response.writeHead(500, { 'x-clickhouse-exception-code': code });
    response.end(message);
  }
}

/** An insert's rows are the body, as bytes; otherwise the statement is in either. */
async function run(query: string | null, body: Buffer): Promise<string> {
  const insert = /^INSERT INTO (\S+) \(([^)]*)\) FORMAT TabSeparated$/.exec(query ?? '');
  if (insert !== null) {
    const [, table = '', columns = ''] = insert;
    await engine.insert({ table, columns: columns.split(', '), values: body, format: 'TabSeparated' });
    return '';
  }
  const text = body.toString('utf8');
  const statement = query === null ? text : `${query}\n${text}`;
  const session = /^\s*SELECT\b/i.test(statement) ? readers[questions++ % readers.length]! : engine;
  return (await session.queryAsync(statement)).text();
}

/**
 * A document of rows. As a server does it: what goes wrong later stands behind what was sent before; a statement that says
 * `cut off` loses its connection instead. The engine's own stream makes a document of each block, which only lines survive.
 */
async function stream(response: http.ServerResponse, query: string, format: string): Promise<void> {
  const tag = 'abcdefghijklmnop';
  const session = new chdb.Session(path.join(folder, 'engine'));
  try {
    if (format !== 'JSONEachRow')
      return void response.end((await session.queryAsync(query, { format })).bytes());
    for await (const chunk of session.queryStream(query, { format })) {
      if (response.destroyed) return;
      if (!response.headersSent) response.writeHead(200, { 'x-clickhouse-exception-tag': tag });
      if (!response.write(chunk.raw()))
        await new Promise((resolve) => response.once('drain', resolve).once('close', resolve));
    }
    response.end();
  } catch (error) {
    const { message } = error as Error;
    if (!response.headersSent) throw error;
    if (query.includes('cut off')) response.destroy();
    else
      response.end(
        `\r\n__exception__\r\n${tag}\r\n${message}\n${message.length + 1} ${tag}\r\n__exception__\r\n`,
      );
  } finally {
    session.close();
  }
}
