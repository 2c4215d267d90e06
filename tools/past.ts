// `npm run -s past`: what admins ask over HTTP, for operators, who speak to NATS: the past, the audit, retention and holds.
import path from 'node:path';
import { NatsMessenger, connectNats } from '@parley/adapters';
import { internal } from '@parley/protocol';
import { askAdmin, operatorName } from './past/admin-questions.ts';
import { help, readCommandLine } from './past/command-line.ts';
import { natsUrlOf } from './verify/nats-sources.ts';
import { isOurMistake } from './verify/sources.ts';

try {
  process.exitCode = await main();
} catch (error) {
  const { message, stack = '' } = error as Error;
  process.stderr.write(`past: ${isOurMistake(error) ? stack : message.replaceAll('\n', ' ')}\n`);
  process.exitCode = 2;
}

async function main(): Promise<number> {
  const asked = readCommandLine(process.argv.slice(2));
  if (asked === undefined) {
    process.stdout.write(help);
    return 0;
  }
  const { tenant, body, nats, data } = asked;
  const link = await connectNats(await natsUrlOf({ nats, data: path.resolve(data) }), {
    name: 'past',
    startTimeoutMs: 3_000,
  });
  try {
    const answer = await askAdmin(new NatsMessenger(link), { tenant, by: operatorName() }, body);
    if (answer.error) {
      process.stderr.write(`past: ${answer.error.code ?? ''}: ${answer.error.message ?? ''}\n`);
      return 1;
    }
    const shown = internal.AdminAnswer.toObject(answer, { enums: String, arrays: true });
    process.stdout.write(`${JSON.stringify(shown, null, 2)}\n`);
    return 0;
  } finally {
    await link.close();
  }
}
